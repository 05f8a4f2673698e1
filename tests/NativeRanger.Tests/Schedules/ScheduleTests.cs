using NativeRanger.Numerics.Reference;

namespace NativeRanger.Tests.Scheduling;

/// <summary>Schedules are pure functions with the reference's bits.</summary>
public sealed class ScheduleTests
{
    private static readonly long[] steps =
    [
        .. Enumerable.Range(0, 130).Select(t => (long)t),
        999,
        1000,
        1001,
        123_456_789,
        1L << 40,
    ];

    public static TheoryData<string> Names() =>
        [
            "warmup",
            "cosine",
            "cosine-final",
            "restarts",
            "restarts-growing",
            "step",
            "exponential",
            "one-cycle",
            "flat-anneal",
        ];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_reference_gives_the_same_bits(string name)
    {
        (Schedule Schedule, Func<long, double> Reference) pair = name switch
        {
            "warmup" => (Schedules.LinearWarmup(7), t => ReferenceSchedules.LinearWarmup(t, 7)),
            "cosine" => (Schedules.Cosine(100), t => ReferenceSchedules.HalfCosine(t, 100, 1, 0)),
            "cosine-final" => (Schedules.Cosine(97, 0.1), t => ReferenceSchedules.HalfCosine(t, 97, 1, 0.1)),
            "restarts" => (Schedules.CosineWithRestarts(13), t => ReferenceSchedules.HalfCosine(t % 13, 13, 1, 0)),
            "restarts-growing" => (
                Schedules.CosineWithRestarts(5, 2, 0.01),
                t => ReferenceSchedules.Restarts(t, 5, 2, 0.01)
            ),
            "step" => (Schedules.Step(30, 0.3), t => ReferenceSchedules.Power(0.3, t / 30)),
            "exponential" => (Schedules.Exponential(0.99), t => ReferenceSchedules.Power(0.99, t)),
            "one-cycle" => (
                Schedules.OneCycle(100),
                t => ReferenceSchedules.OneCycle(t, 100, 0.3, 1.0 / 25, 1.0 / 250_000)
            ),
            _ => (Schedules.FlatAnneal(100), t => ReferenceSchedules.FlatAnneal(t, 100, 0.72, 0)),
        };
        foreach (var t in steps)
        {
            Assert.Equal(
                BitConverter.DoubleToInt64Bits(pair.Reference(t)),
                BitConverter.DoubleToInt64Bits(pair.Schedule(t))
            );
        }
    }

    [Fact]
    public void The_cosine_is_the_cosine()
    {
        for (var i = 0; i <= 10_000; i++)
        {
            var x = i / 10_000.0;

            // The series ends at 2e-17 and Horner's rule rounds terms below 1.3: 4 units of 1.1e-16 cover both and Math.Cos.
            Assert.Equal(Math.Cos(Math.PI * x), Schedules.CosineOfPi(x), 4.4e-16);
        }

        Assert.Equal(1, Schedules.CosineOfPi(0));
        Assert.Equal(0, Schedules.CosineOfPi(0.5));
        Assert.Equal(-1, Schedules.CosineOfPi(1));
    }

    [Fact]
    public void Values_at_the_corners()
    {
        Assert.Equal(0.1, Schedules.LinearWarmup(10)(0));
        Assert.Equal(1, Schedules.LinearWarmup(10)(9));
        Assert.Equal(1, Schedules.Cosine(10)(0));
        Assert.Equal(0.5, Schedules.Cosine(10)(5));
        Assert.Equal(0, Schedules.Cosine(10)(10));
        Assert.Equal(1, Schedules.CosineWithRestarts(10)(10));
        Assert.Equal(1, Schedules.FlatAnneal(100)(71));
        Assert.Equal(1, Schedules.FlatAnneal(100)(72));
        Assert.True(Schedules.FlatAnneal(100)(73) < 1);
        Assert.Equal(0, Schedules.FlatAnneal(100)(100));
        // 1 + (1/25 - 1): the difference rounds at the size of 1.
        Assert.Equal(1.0 / 25, Schedules.OneCycle(100)(0), 1.2e-16);
        Assert.Equal(1, Schedules.OneCycle(100)(30));
        Assert.Equal(0.1, Schedules.Step(10)(19));
        Assert.Equal(0.125, Schedules.Exponential(0.5)(3));
    }

    [Fact]
    public void Composition()
    {
        var schedule = Schedules.Sequence((Schedules.LinearWarmup(5), 5), (Schedules.Cosine(10), 10));
        Assert.Equal(0.2, schedule(0));
        Assert.Equal(1, schedule(5));
        Assert.Equal(0.5, schedule(10));
        Assert.Equal(0, schedule(1000));
        Assert.Equal(0.05, Schedules.Cosine(10).Times(0.1)(5));
        Assert.Equal(0.25, Schedules.Cosine(10).Times(Schedules.Constant(0.5))(5));
    }

    [Fact]
    public void Arguments_out_of_range()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedules.Cosine(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedules.Exponential(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedules.FlatAnneal(10, flat: 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedules.Constant(double.NaN));
        Assert.Throws<ArgumentException>(() => Schedules.Sequence());
    }

    [Fact]
    public void An_attached_schedule_is_a_factor_on_every_groups_rate_and_counts_completed_steps()
    {
        float[] a = [0],
            b = [0];
        var recipe = new Sgd { LearningRate = 1, NonFinite = NonFinitePolicy.SkipStep };
        using var stepper = recipe.Bind([
            new ParameterGroup<float>(Parameter.Of("a", a)),
            new(Parameter.Of("b", b)) { Optimizer = recipe with { LearningRate = 2 } },
        ]);
        stepper.Schedule = t => t + 1;
        stepper.Step([
            [1f],
            [1f],
        ]);
        Assert.False(
            stepper.Step([
                [float.NaN],
                [1f],
            ])
        );
        stepper.Step(
            [
                [1f],
                [1f],
            ],
            learningRate: 10
        );
        Assert.Equal(-1 - 20, a[0]);
        Assert.Equal(-2 - 4, b[0]);
    }
}
