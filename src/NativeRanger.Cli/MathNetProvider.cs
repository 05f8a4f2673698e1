using MathNet.Numerics.Providers.LinearAlgebra;

namespace NativeRanger.Cli;

/// <summary>The library behind MathNet's matrices.</summary>
internal static class MathNetProvider
{
    private const string Variable = "MathNetNumericsLAProvider";

    /// <summary>What it is, for people.</summary>
    /// <exception cref="UserErrorException">The environment asks for one that is not there.</exception>
    public static string Describe()
    {
        try
        {
            return $"{LinearAlgebraControl.Provider}";
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // MathNet looks for its provider when it is first used, and throws whatever the search met.
            throw new UserErrorException(
                $"The environment variable {Variable} is '{Environment.GetEnvironmentVariable(Variable)}', "
                    + $"but MathNet has no such provider here ({exception.Message}); unset it, or add the provider's package."
            );
        }
    }

    /// <summary>Refuses to go on where MathNet could not compute.</summary>
    /// <exception cref="UserErrorException">The environment asks for a provider that is not there.</exception>
    public static void Require() => _ = Describe();
}
