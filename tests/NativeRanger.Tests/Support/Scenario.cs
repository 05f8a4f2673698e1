using System.Numerics;

namespace NativeRanger.Tests.Support;

/// <summary>What the gradients of a scenario look like.</summary>
internal enum GradientKind
{
    /// <summary>Finite, of every magnitude that training sees.</summary>
    Ordinary,

    /// <summary>With zeros of both signs, subnormals, huge values, infinities and NaNs among them.</summary>
    Hostile,
}

/// <summary>One run with random shapes, values and gradients, repeatable from its seed, on any backend.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class Scenario<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly long[][] shapes;
    private readonly T[][] initial;
    private readonly T[]?[][] gradients;

    public Scenario(int seed, int steps, GradientKind kind, bool skips, params long[][] shapes)
    {
        this.shapes = shapes;
        // Each parameter has a stream of its own, so that it is the same whichever others there are.
        var random = shapes.Select((_, i) => new Random((seed * 31) + i)).ToArray();
        initial = [.. shapes.Select((s, i) => Values(random[i], Length(s), GradientKind.Ordinary, 1))];
        gradients = new T[]?[steps][];
        for (var t = 0; t < steps; t++)
        {
            gradients[t] =
            [
                .. shapes.Select(
                    (s, i) =>
                        skips && random[i].Next(5) == 0
                            ? null
                            : Values(random[i], Length(s), kind, Math.Pow(10, random[i].Next(-3, 2)))
                ),
            ];
        }
    }

    public int Steps => gradients.Length;

    /// <summary>How the parameters lie in memory.</summary>
    public StorageOrder Storage { get; init; }

    /// <summary>Which dimension the rows are of, where a parameter has so many.</summary>
    public int OutputDimension { get; init; }

    /// <summary>Elements before each parameter and gradient in its array, so that they are not aligned.</summary>
    public int Offset { get; init; }

    /// <summary>Brings parameters and gradients to a device; by default they stay in arrays.</summary>
    public Func<ReadOnlyMemory<T>, DeviceBuffer<T>>? Upload { get; private set; }

    /// <summary>The same scenario, with an upload or without.</summary>
    public Scenario<T> On(Func<ReadOnlyMemory<T>, DeviceBuffer<T>>? upload)
    {
        var same = (Scenario<T>)MemberwiseClone();
        same.Upload = upload;
        return same;
    }

    /// <summary>Runs the scenario and gives parameters, state and counters after the last step.</summary>
    public Outcome<T> Run(
        Optimizer optimizer,
        Backend backend,
        Action<Stepper<T>>? prepare = null,
        Action<Stepper<T>, int>? afterStep = null
    )
    {
        var arrays = initial.Select(Shifted).ToArray();
        using var stepper = optimizer.Bind(Parameters(arrays), backend);
        prepare?.Invoke(stepper);
        return Finish(stepper, arrays, afterStep);
    }

    /// <summary>Goes on from a checkpoint that <see cref="Run"/> saved, with arrays that hold something else before.</summary>
    public Outcome<T> Resume(
        Optimizer optimizer,
        Backend backend,
        Stream checkpoint,
        Action<Stepper<T>>? prepare = null
    )
    {
        var arrays = initial.Select(Shifted).ToArray();
        foreach (var array in arrays)
        {
            Array.Fill(array, T.NaN);
        }

        using var stepper = optimizer.Resume(Parameters(arrays), checkpoint, backend);
        prepare?.Invoke(stepper);
        return Finish(stepper, arrays, afterStep: null);
    }

    private Outcome<T> Finish(Stepper<T> stepper, T[][] arrays, Action<Stepper<T>, int>? afterStep)
    {
        for (var t = (int)(stepper.StepCount + stepper.SkippedSteps); t < Steps; t++)
        {
            var g = gradients[t]
                .Select(v =>
                    v is null ? Gradient<T>.None
                    : Upload is null ? new(Shifted(v).AsMemory(Offset))
                    : new(Upload(Shifted(v)).View(Offset, v.Length))
                )
                .ToArray();
            stepper.Step(g);
            afterStep?.Invoke(stepper, t);
        }

        return Outcome<T>.Of(
            stepper,
            arrays.Select(
                (a, i) => Upload is null ? a[Offset..] : stepper.Parameters[i].Slice(0, a.Length - Offset).ToArray()
            )
        );
    }

    private IEnumerable<Parameter<T>> Parameters(T[][] arrays) => shapes.Select((s, i) => Parameter(i, arrays[i], s));

    private Parameter<T> Parameter(int i, T[] array, long[] shape)
    {
        if (shape.Length == 0)
        {
            return NativeRanger.Parameter<T>.Scalar($"p{i}", array);
        }

        var buffer = Upload?.Invoke(array).View(Offset, array.Length - Offset);
        var storage = shape.Length == 2 ? Storage : StorageOrder.RowMajor;
        var output = shape.Length == 2 ? OutputDimension : 0;
        return buffer is null
            ? new($"p{i}", array.AsMemory(Offset), shape) { StorageOrder = storage, OutputDimension = output }
            : new($"p{i}", buffer, shape) { StorageOrder = storage, OutputDimension = output };
    }

    private T[] Shifted(T[] values) => [.. new T[Offset], .. values];

    private static int Length(long[] shape) => (int)shape.Aggregate(1L, (a, b) => a * b);

    private static T[] Values(Random random, int length, GradientKind kind, double magnitude)
    {
        var values = new T[length];
        for (var i = 0; i < length; i++)
        {
            values[i] = T.CreateTruncating(magnitude * ((random.NextDouble() * 2) - 1));
            if (kind == GradientKind.Hostile && random.Next(8) == 0)
            {
                values[i] = random.Next(9) switch
                {
                    0 => T.Zero,
                    1 => T.NegativeZero,
                    2 => T.Epsilon,
                    3 => -T.Epsilon * T.CreateTruncating(1000),
                    4 => T.CreateTruncating(typeof(T) == typeof(float) ? 1e30 : 1e300),
                    5 => T.CreateTruncating(typeof(T) == typeof(float) ? 1e-20 : 1e-160),
                    6 => T.PositiveInfinity,
                    7 => T.NegativeInfinity,
                    _ => T.NaN,
                };
            }
        }

        return values;
    }
}

/// <summary>Parameters, state arrays and counters at one moment.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed record Outcome<T>(
    IReadOnlyList<(string Name, T[] Values)> Arrays,
    IReadOnlyList<(string Name, long Value)> Counters
)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static Outcome<T> Of(Stepper<T> stepper, IEnumerable<T[]> parameters) =>
        new(
            [
                .. parameters.Select((p, i) => ($"p{i}", p.ToArray())),
                .. stepper
                    .StateArrays.Select(a => ($"p{a.Parameter}/{a.Name}", a.Slice(0, (int)a.Length).ToArray()))
                    .OrderBy(a => a.Item1, StringComparer.Ordinal),
            ],
            [
                ("steps", stepper.StepCount),
                ("skipped", stepper.SkippedSteps),
                .. stepper
                    .StateCounters.Select(c => ($"{c.Owner}/{c.Name}", c.Value))
                    .OrderBy(c => c.Item1, StringComparer.Ordinal),
            ]
        );

    /// <summary>The first difference as a sentence, or null.</summary>
    public string? Difference(Outcome<T> actual)
    {
        var names = Arrays.Select(a => a.Name).Concat(Counters.Select(c => c.Name)).ToArray();
        var other = actual.Arrays.Select(a => a.Name).Concat(actual.Counters.Select(c => c.Name)).ToArray();
        if (!names.SequenceEqual(other, StringComparer.Ordinal))
        {
            return $"state [{string.Join(", ", other)}] instead of [{string.Join(", ", names)}]";
        }

        return Arrays
                .Zip(actual.Arrays, (e, a) => Bits.Difference<T>(e.Name, e.Values, a.Values))
                .FirstOrDefault(d => d is not null)
            ?? Counters
                .Zip(
                    actual.Counters,
                    (e, a) => e.Value == a.Value ? null : $"{e.Name} is {a.Value} instead of {e.Value}"
                )
                .FirstOrDefault(d => d is not null);
    }
}
