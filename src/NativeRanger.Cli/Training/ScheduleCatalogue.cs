namespace NativeRanger.Cli.Training;

/// <summary>A schedule that can be trained with.</summary>
/// <param name="Name">Its name on the command line and in results.</param>
/// <param name="Create">Creates it for a number of steps.</param>
internal sealed record ScheduleChoice(string Name, Func<long, Schedule> Create);

/// <summary>The schedules by name; all are factors on the learning rate.</summary>
internal static class ScheduleCatalogue
{
    public static ScheduleChoice Constant { get; } = new("constant", _ => Schedules.Constant());

    /// <summary>72 % of the steps at the full rate, then half a cosine to 0.</summary>
    public static ScheduleChoice FlatCosine { get; } = new("flat-cosine", steps => Schedules.FlatAnneal(steps));

    public static IReadOnlyList<ScheduleChoice> All { get; } =
    [
        Constant,
        FlatCosine,
        new("cosine", steps => Schedules.Cosine(steps)),
        new("cosine-restarts", steps => Schedules.CosineWithRestarts(Part(steps, 4))),
        new("warmup", steps => Schedules.LinearWarmup(Part(steps, 10))),
        new("warmup-cosine", steps => Schedules.LinearWarmup(Part(steps, 10)).Times(Schedules.Cosine(steps))),
        new("step", steps => Schedules.Step(Part(steps, 3))),
        new("exponential", steps => Schedules.Exponential(Math.Pow(0.01, 1d / steps))),
        new("one-cycle", steps => Schedules.OneCycle(steps)),
    ];

    /// <summary>The schedule of that name, or null.</summary>
    public static ScheduleChoice? Find(string name) =>
        All.FirstOrDefault(choice => string.Equals(choice.Name, name, StringComparison.OrdinalIgnoreCase));

    private static long Part(long steps, long divisor) => Math.Max(1, steps / divisor);
}
