using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRanger.Cli.Bench;

/// <summary>A step and its limit, over the same arrays.</summary>
internal abstract class BenchProblem : IDisposable
{
    /// <summary>The step.</summary>
    public abstract Variant Step { get; }

    /// <summary>The limit kernel, with or without prefetch.</summary>
    public abstract Variant Limit(LimitTeam team, bool prefetch);

    public abstract void Dispose();

    /// <summary>The problem of a case.</summary>
    /// <param name="what">The case.</param>
    /// <param name="backend">What steps; by default, what the case asks for.</param>
    public static BenchProblem Create(BenchCase what, NativeBackend? backend = null)
    {
        backend ??= NativeBackend.On(what.InstructionSet, what.Threads);
        return what.Type is BenchCase.Float64
            ? new BenchProblem<double>(what, backend)
            : new BenchProblem<float>(what, backend);
    }
}

/// <inheritdoc/>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class BenchProblem<T> : BenchProblem
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Enough for RAdam to be rectified, and for every kernel to have been called.</summary>
    private const int FirstSteps = 12;

    private readonly BenchCase what;
    private readonly LimitMemory memory;
    private readonly Stepper<T> stepper;
    private readonly T* parameter;
    private readonly T* gradient;
    private readonly Gradient<T>[] gradients;

    public BenchProblem(BenchCase what, NativeBackend backend)
    {
        this.what = what;
        var (rows, columns) = what.Shape;
        memory = new(2, what.Elements * sizeof(T));
        parameter = (T*)memory.Array(0);
        gradient = (T*)memory.Array(1);
        BenchValues.Fill(parameter, what.Elements, seed: 1);
        BenchValues.Fill(gradient, what.Elements, seed: 2);
        gradients = [new(gradient, what.Elements)];
        stepper = what.Algorithm.Recipe.Bind(
            [new Parameter<T>("parameters", parameter, what.Elements, rows, columns)],
            backend
        );
        for (var i = 0; i < FirstSteps; i++)
        {
            StepOnce();
        }
    }

    public override Variant Step => Variant.Of(StepOnce, Math.Max(1, what.Algorithm.Period), what.Warm);

    public override Variant Limit(LimitTeam team, bool prefetch)
    {
        var pass = new LimitLibrary.Pass
        {
            ElementBytes = sizeof(T),
            Prefetch = prefetch ? 1 : 0,
            Elements = what.Elements,
            Gradient = gradient,
        };
        var states = stepper.StateArrays.Where(a => !IsSlow(a)).Select(Address).ToArray();
        pass.Arrays[0] = (nint)parameter;
        states.CopyTo(pass.Arrays[1..]);
        pass.ArrayCount = 1 + states.Length;
        if (what.Algorithm.Period == 0)
        {
            return new((untimed, timed) => team.Time(pass, untimed, timed), 1, what.Warm);
        }

        // Once in a period the slow weights are read and written as well.
        var synchronising = pass;
        synchronising.Arrays[synchronising.ArrayCount++] = Address(stepper.StateArrays.First(IsSlow));
        var period = what.Algorithm.Period;
        return new(
            (untimed, timed) =>
                team.Time(pass, untimed, timed - (timed / period)) + team.Time(synchronising, 0, timed / period),
            period,
            what.Warm
        );
    }

    public override void Dispose()
    {
        stepper.Dispose();
        memory.Dispose();
    }

    private void StepOnce() => stepper.Step((ReadOnlySpan<Gradient<T>>)gradients);

    private static bool IsSlow(StateArray<T> array) =>
        string.Equals(array.Name, StateNames.SlowWeights(0), StringComparison.Ordinal);

    /// <summary>The native backend's state lies in unmanaged memory.</summary>
    private static nint Address(StateArray<T> array) =>
        (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(array.Slice(0, 1)));
}
