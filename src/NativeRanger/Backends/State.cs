namespace NativeRanger;

/// <summary>One array of an engine's state.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="parameter">The number of its parameter, in bind order.</param>
/// <param name="name">One of <see cref="StateNames"/>.</param>
/// <param name="length">The number of elements, as of its parameter, in the same storage order.</param>
public abstract class StateArray<T>(int parameter, string name, long length)
{
    /// <summary>The number of its parameter, in bind order.</summary>
    public int Parameter { get; } = parameter;

    /// <summary>What it holds: one of <see cref="StateNames"/>.</summary>
    public string Name { get; } = name;

    /// <summary>The number of elements, as of its parameter, in the same storage order.</summary>
    public long Length { get; } = length;

    /// <summary>A part of the elements, read or changed in place.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="length">The number of elements.</param>
    public abstract Span<T> Slice(long start, int length);
}

/// <summary>One counter or scalar of an engine's state.</summary>
/// <param name="owner">The number of its parameter, in bind order; <c>-1 - g</c> where it belongs to group g.</param>
/// <param name="name">One of <see cref="StateNames"/>.</param>
public abstract class StateCounter(int owner, string name)
{
    /// <summary>The number of its parameter, in bind order; <c>-1 - g</c> where it belongs to group g.</summary>
    public int Owner { get; } = owner;

    /// <summary>What it counts: one of <see cref="StateNames"/>.</summary>
    public string Name { get; } = name;

    /// <summary>The count; scalars as the bits of a double.</summary>
    public abstract long Value { get; set; }
}

/// <summary>The names of state arrays and counters, the same on every backend and in checkpoints.</summary>
public static class StateNames
{
    /// <summary>The first moment m, or SeedRanger's m.</summary>
    public const string FirstMoment = "first_moment";

    /// <summary>The second moment v, or SeedRanger's v.</summary>
    public const string SecondMoment = "second_moment";

    /// <summary>AMSGrad's running maximum of the second moment.</summary>
    public const string MaximumSecondMoment = "maximum_second_moment";

    /// <summary>The momentum buffer of SGD.</summary>
    public const string Momentum = "momentum";

    /// <summary>The accumulator of AdaGrad.</summary>
    public const string Accumulator = "accumulator";

    /// <summary>SeedRanger's m'.</summary>
    public const string SlowFirstMoment = "slow_first_moment";

    /// <summary>SeedRanger's v'.</summary>
    public const string SlowSecondMoment = "slow_second_moment";

    /// <summary>Counter: the steps of a parameter, t.</summary>
    public const string Step = "step";

    /// <summary>Scalar: SeedRanger's S.</summary>
    public const string MeanSecondMoment = "mean_second_moment";

    /// <summary>Scalar: SeedRanger's S'.</summary>
    public const string SlowMeanSecondMoment = "slow_mean_second_moment";

    /// <summary>Counter: SeedRanger's t'; 0 until its slow moments are in use.</summary>
    public const string SlowStep = "slow_step";

    /// <summary>Whether a counter holds the bits of a double.</summary>
    internal static bool IsScalar(string name) => name is MeanSecondMoment or SlowMeanSecondMoment;

    /// <summary>The slow weights of a Lookahead level, 0 the innermost.</summary>
    /// <param name="level">The level.</param>
    public static string SlowWeights(int level) => $"slow_weights.{level}";

    /// <summary>The momentum at the last sync of a Lookahead level (pullback).</summary>
    /// <param name="level">The level.</param>
    public static string SlowMomentum(int level) => $"slow_momentum.{level}";

    /// <summary>
    /// Counter: the steps of a Lookahead level since binding, the last reset or <c>Synchronize()</c>: per parameter, or per
    /// group where the counter is shared (groups added later start with the first group's).
    /// </summary>
    /// <param name="level">The level.</param>
    public static string SyncCounter(int level) => $"sync_counter.{level}";

    /// <summary>An average of the weights, in the order in which averages were added.</summary>
    /// <param name="index">The number of the average.</param>
    public static string Average(int index) => $"average.{index}";

    /// <summary>Counter, per group: the completed steps that an average has seen.</summary>
    /// <param name="index">The number of the average.</param>
    public static string AverageSteps(int index) => $"average_steps.{index}";
}
