using System.Reflection;
using System.Runtime.ExceptionServices;
using MathNet.Numerics.Providers.LinearAlgebra;

namespace MathNet.Numerics.Providers.MKL.LinearAlgebra;

/// <summary>
/// MathNet's managed provider, but for the elementwise operations, whose results are up or down by one unit in the last place:
/// as far from the exact bits as a native provider may be. It is there only where a variable of the environment asks for it.
/// </summary>
public class StandInProvider : DispatchProxy
{
    /// <summary>Set to 1 by a process that wants it.</summary>
    public const string Variable = "NATIVERANGER_TESTS_PROVIDER";

    private static bool IsWanted => Environment.GetEnvironmentVariable(Variable) is "1";

    public static ILinearAlgebraProvider Create() => Create<ILinearAlgebraProvider, StandInProvider>();

    public override string ToString() => "a stand-in for MKL";

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        ArgumentNullException.ThrowIfNull(targetMethod);
        switch (targetMethod.Name)
        {
            case nameof(ILinearAlgebraProvider.IsAvailable):
                return IsWanted;
            case nameof(ILinearAlgebraProvider.InitializeVerify):
                return IsWanted ? null : throw new NotSupportedException("The library of the provider is not there.");
            // DispatchProxy does not pass what is declared by object, which string interpolation calls through the interface.
            case nameof(ToString):
                return ToString();
        }

        try
        {
            var result = targetMethod.Invoke(ManagedLinearAlgebraProvider.Instance, args);
            if (
                targetMethod.Name.StartsWith("PointWise", StringComparison.Ordinal)
                || targetMethod.Name is "AddArrays" or "SubtractArrays"
            )
            {
                Perturb(args![^1]);
            }

            return result;
        }
        catch (TargetInvocationException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
            throw;
        }
    }

    private static void Perturb(object? result)
    {
        switch (result)
        {
            case double[] values:
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] =
                        values[i] == 0 ? 0
                        : Up(i) ? Math.BitIncrement(values[i])
                        : Math.BitDecrement(values[i]);
                }

                break;
            case float[] values:
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] =
                        values[i] == 0 ? 0
                        : Up(i) ? MathF.BitIncrement(values[i])
                        : MathF.BitDecrement(values[i]);
                }

                break;
        }
    }

    private static bool Up(int element) => element % 3 == 0;
}
