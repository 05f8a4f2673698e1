using System.Numerics;
using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>A run that is cut after any step, saved and resumed into other arrays ends in the bits of the run that was not.</summary>
public sealed class ExactResumeTests
{
    // RAdam rectifies from step 6, Ranger synchronises after 6 and 12, the other wrappers after 2, 3, 4 and so on.
    private const int Steps = 13;

    private static readonly long[][] Shapes =
    [
        [3, 5],
        [7],
        [2, 1],
        [0],
    ];

    public static TheoryData<string, string, string> Combinations()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var optimizer in Registry.Optimizers.Keys)
        {
            foreach (var wrapper in Registry.Wrappers.Keys.Where(w => Registry.Allows(optimizer, "none", w)))
            {
                data.Add(optimizer, "none", wrapper);
            }

            data.Add(optimizer, "clip-norm", "bare");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public void Fault_75_cut_at_every_step(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        CutAtEveryStep<float>(recipe, GradientKind.Ordinary);
        CutAtEveryStep<double>(recipe, GradientKind.Ordinary);
    }

    [Fact]
    public void Fault_75_every_run_is_taken_up_by_a_new_process()
    {
        using var directory = new TemporaryDirectory();
        var saved = InterruptedRuns.Save(directory.File("runs"));
        var child = new Child.Start("ResumeInterruptedRuns", directory.File("runs"));
        child.Environment["NATIVERANGER_CUDA_DRIVER"] = Child.Helper("standin_cuda");
        Assert.Equal($"{saved} resumed on 3 backends", child.Run().Succeeded());
        Assert.True(saved >= Registry.Optimizers.Count * 2 * (InterruptedRuns.Steps + 1));
    }

    [Theory]
    [InlineData("ranger", "bare")]
    [InlineData("adam-l2", "lookahead")]
    [InlineData("nesterov", "lookahead-pullback")]
    [InlineData("seed-ranger-branches", "lookahead-own-counter")]
    public void Fault_75_cut_at_every_step_where_steps_are_skipped(string optimizer, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, "none", wrapper) with { NonFinite = NonFinitePolicy.SkipStep };
        CutAtEveryStep<float>(recipe, GradientKind.Hostile);
        CutAtEveryStep<double>(recipe, GradientKind.Hostile);
    }

    [Fact]
    public void Cut_at_every_step_where_values_are_not_finite() =>
        CutAtEveryStep<float>(new Ranger { LearningRate = 0.1 }, GradientKind.Hostile);

    [Fact]
    public void Cut_at_every_step_of_column_major_storage_with_outputs_in_columns()
    {
        var recipe = new Ranger { LearningRate = 0.01, AdaptiveClip = 0.01 };
        CutAtEveryStep<float>(recipe, GradientKind.Ordinary, StorageOrder.ColumnMajor, outputDimension: 1);
    }

    [Fact]
    public void Fault_75_schedule_and_averages_go_on_where_they_were()
    {
        var scenario = new Scenario<double>(5, Steps, GradientKind.Hostile, skips: true, Shapes);
        var recipe = new Lookahead(new AdamW { NonFinite = NonFinitePolicy.SkipStep }) { Period = 4 };
        Action<Stepper<double>> attach = stepper => stepper.Schedule = Schedules.FlatAnneal(Steps);
        Action<Stepper<double>> prepare = stepper =>
        {
            attach(stepper);
            stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });
            stepper.AddAverage(new StochasticAverage { Start = 3, Every = 2 });
        };
        var checkpoints = new List<byte[]>();
        var expected = scenario.Run(recipe, Backend.Native, prepare, (stepper, _) => checkpoints.Add(Save(stepper)));
        Assert.InRange(expected.Counters.Single(c => c.Name is "skipped").Value, 1, Steps - 1);
        foreach (var checkpoint in checkpoints)
        {
            var resumed = scenario.Resume(recipe, Backend.Native, new MemoryStream(checkpoint), attach);
            Assert.Null(expected.Difference(resumed));
        }
    }

    [Fact]
    public void Fault_75_options_that_were_changed_between_steps_and_groups_that_were_added_are_restored()
    {
        var (a, b) = (new float[] { 1, 2, 3, 4 }, new float[] { 5, 6 });
        var recipe = new Ranger { LearningRate = 0.1, Period = 3 };
        var own = recipe with { LearningRate = 0.5 };
        byte[]? checkpoint = null;
        using var straight = recipe.Bind(a, rows: 2, columns: 2);
        var average = straight.AddAverage(new ExponentialAverage());
        for (var t = 0; t < 8; t++)
        {
            if (t == 2)
            {
                straight.AddGroup(new(Parameter.Of("b", b)) { Optimizer = own });
            }

            if (t == 4)
            {
                straight.Groups[0].Optimizer = recipe with { LearningRate = 0.01, Beta1 = 0.5 };
            }

            if (t == 6)
            {
                checkpoint = Save(straight);
            }

            Step(straight, t, learningRate: 0.2);
        }

        var (c, d) = (new float[4], new float[2]);
        using var resumed = recipe.Resume(
            [
                new ParameterGroup<float>(new Parameter<float>("parameters", c, 2, 2)),
                new ParameterGroup<float>(Parameter.Of("b", d)) { Optimizer = own },
            ],
            new MemoryStream(checkpoint!)
        );
        Assert.Equal(6, resumed.StepCount);
        Assert.Equal(4, resumed.ParameterSteps(1));
        Assert.Equal(straight.Groups[0].Optimizer, resumed.Groups[0].Optimizer);
        Assert.True(resumed.Groups[0].OwnsLearningRate);
        Assert.Equal(average.Average, Assert.Single(resumed.Averages).Average);
        Step(resumed, 6, learningRate: 0.2);
        Step(resumed, 7, learningRate: 0.2);
        Assert.Null(Outcome<float>.Of(straight, [a, b]).Difference(Outcome<float>.Of(resumed, [c, d])));
        Assert.Equal(Save(straight), Save(resumed));

        static void Step(Stepper<float> stepper, int t, double learningRate)
        {
            float[] ga = [t, 1, -t, 2];
            float[] gb = [0.5f, t];
            float[][] gradients = [ga, gb];
            stepper.Step(gradients[..stepper.Parameters.Count], learningRate);
        }
    }

    private static void CutAtEveryStep<T>(
        Optimizer recipe,
        GradientKind kind,
        StorageOrder storage = StorageOrder.RowMajor,
        int outputDimension = 0
    )
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var scenario = new Scenario<T>(3, Steps, kind, skips: true, Shapes)
        {
            Storage = storage,
            OutputDimension = outputDimension,
            Offset = 1,
        };
        Backend[] backends = [Backend.Native, Backend.Managed];
        var expected = scenario.Run(recipe, Backend.Native);
        var saved = backends.Select(Checkpoints).ToArray();
        for (var cut = 0; cut <= Steps; cut++)
        {
            // The backends save the same bytes, but for the payloads of a NaN.
            var files = saved.Select(all => all[cut]).DistinctBy(Convert.ToHexString, StringComparer.Ordinal).ToArray();
            Assert.True(
                files.Length == 1 || kind == GradientKind.Hostile,
                $"cut at {cut}: the backends save other bytes"
            );
            foreach (var (file, backend) in files.SelectMany(file => backends.Select(backend => (file, backend))))
            {
                var difference = expected.Difference(scenario.Resume(recipe, backend, new OneWayStream(file)));
                Assert.True(difference is null, $"cut at {cut}, {backend.Name}: {difference}");
            }
        }

        List<byte[]> Checkpoints(Backend backend)
        {
            var all = new List<byte[]>();
            var run = scenario.Run(
                recipe,
                backend,
                stepper => all.Add(Save(stepper)),
                (stepper, _) => all.Add(Save(stepper))
            );
            Assert.Null(expected.Difference(run));
            return all;
        }
    }

    private static byte[] Save<T>(Stepper<T> stepper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var stream = new MemoryStream();
        stepper.Save(stream);
        return stream.ToArray();
    }
}
