using MathNet.Numerics;
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
            if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
            {
                // By name, so that the provider's package is optional; false where it is not there.
                Control.TryUseNativeMKL();
            }

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

    /// <summary>Makes MathNet compute without a native provider, whose last bits may differ.</summary>
    public static void UseManaged() => LinearAlgebraControl.UseManaged();

    /// <summary>Refuses to go on where MathNet could not compute.</summary>
    /// <exception cref="UserErrorException">The environment asks for a provider that is not there.</exception>
    public static void Require() => _ = Describe();
}
