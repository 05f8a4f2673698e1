using System.Numerics;

namespace NativeRanger;

/// <summary>What carries out the steps. All backends give the same bits.</summary>
public abstract class Backend
{
    /// <summary>The native library, on the best instruction set that this processor has.</summary>
    public static Backend Native => NativeBackend.Instance;

    /// <summary>The name that the command line and messages use.</summary>
    public abstract string Name { get; }

    /// <summary>Creates the engine of one stepper; it has no groups yet.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="optimizer">The stepper's recipe.</param>
    public abstract StepEngine<T> CreateEngine<T>(Optimizer optimizer)
        where T : unmanaged, IFloatingPointIeee754<T>;
}
