using NativeRanger.Numerics;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>A sound checkpoint of something else is refused with every difference, and nothing changes.</summary>
public sealed class MismatchTests
{
    private static readonly Ranger Recipe = new() { LearningRate = 0.1 };

    [Fact]
    public void Fault_73_missing_and_extra_parameters_and_other_shapes_are_listed_together()
    {
        Refused(
            file => Recipe.Resume([Parameter.Of("w", new float[6], 3, 2), Parameter.Of("v", new float[2])], file),
            "parameter 'w': shape [2, 3] in the checkpoint, [3, 2] given",
            "parameter 'v': missing in the checkpoint",
            "parameter 'b': in the checkpoint, but not given"
        );
    }

    [Fact]
    public void Fault_73_names_decide_and_not_the_order()
    {
        var (w, b) = (new float[6], new float[2]);
        using var stepper = Recipe.Resume([Parameter.Of("b", b), Parameter.Of("w", w, 2, 3)], Saved());
        Assert.Equal([8, 9], b);
        Assert.Equal([1, 2, 3, 4, 5, 6], w);
    }

    [Fact]
    public void Fault_73_another_optimizer() =>
        Refused(file => new Adam().Resume(Both(), file), "optimizer: ranger in the checkpoint, adam given");

    [Fact]
    public void What_an_optimizer_means_is_another_optimizer() =>
        Refused(
            file => Recipe.Composition.Resume(Both(), file),
            "optimizer: ranger in the checkpoint, lookahead(radam) given"
        );

    [Fact]
    public void Fault_73_another_element_type() =>
        Refused(
            file => Recipe.Resume([Parameter.Of("w", new double[6], 2, 3), Parameter.Of("b", new double[2])], file),
            "element type: F32 in the checkpoint, F64 given"
        );

    [Fact]
    public void Another_storage_order_and_output_dimension()
    {
        var turned = new Parameter<float>("w", new float[6], 2, 3)
        {
            StorageOrder = StorageOrder.ColumnMajor,
            OutputDimension = 1,
        };
        Refused(
            file => Recipe.Resume([turned, Parameter.Of("b", new float[2])], file),
            "parameter 'w': storage order RowMajor in the checkpoint, ColumnMajor given",
            "parameter 'w': output dimension 0 in the checkpoint, 1 given"
        );
    }

    [Fact]
    public void Fault_73_other_groups()
    {
        var parameters = Both();
        Refused(
            file =>
                Recipe.Resume(
                    [new ParameterGroup<float>(parameters[0]), new ParameterGroup<float>(parameters[1])],
                    file
                ),
            "parameter 'b': in the group of 'w' in the checkpoint, in a group of its own given"
        );

        using var stepper = Recipe.Bind([
            new ParameterGroup<float>(Parameter.Of("w", new float[6], 2, 3)),
            new ParameterGroup<float>(Parameter.Of("b", new float[2])),
        ]);
        var thrown = Assert.Throws<CheckpointMismatchException>(() =>
            Recipe.Resume(Both(), new MemoryStream(CheckpointFormatTests.Save(stepper)))
        );
        Assert.Equal(
            "parameter 'b': in another group than 'w' in the checkpoint, in the same group given",
            Assert.Single(thrown.Differences)
        );
    }

    [Fact]
    public void More_averages_than_a_backend_can_keep_beside_the_slow_weights()
    {
        using var stepper = Recipe.Bind(Both(), Backend.Managed);
        for (var i = 0; i < 64; i++)
        {
            stepper.AddAverage(new ExponentialAverage());
        }

        Assert.Throws<InvalidOperationException>(() => stepper.AddAverage(new ExponentialAverage()));
        var saved = CheckpointFormatTests.Save(stepper);
        Recipe.Resume(Both(), new MemoryStream(saved), Backend.Managed).Dispose();
        var thrown = Assert.Throws<CheckpointMismatchException>(() => Recipe.Resume(Both(), new MemoryStream(saved)));
        Assert.Contains("averages: 64 in the checkpoint", Assert.Single(thrown.Differences), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_options_unless_they_may()
    {
        var changed = Recipe with { LearningRate = 0.2, ClipNorm = 1, Centralization = Centralization.None };
        Refused(
            file => changed.Resume(Both(), file),
            "option ranger.learning_rate: 0.1 in the checkpoint, 0.2 given",
            "option ranger.centralization: all in the checkpoint, none given",
            "option ranger.clip_norm: null in the checkpoint, 1 given"
        );
        using var stepper = changed.Resume(Both(), Saved(), options: new() { AllowChangedOptions = true });
        Assert.Equal(changed, stepper.Groups[0].Optimizer);
        Assert.Equal(1, stepper.StepCount);
    }

    [Fact]
    public void Other_options_of_a_group()
    {
        Refused(
            file => Recipe.Resume([new ParameterGroup<float>(Both()) { Optimizer = Recipe with { Period = 3 } }], file),
            "group of 'w': option ranger.period: 6 in the checkpoint, 3 given"
        );
    }

    [Fact]
    public void Options_that_decide_which_state_there_is_may_never_differ()
    {
        using var stepper = new Adam().Bind(new float[1]);
        var file = CheckpointFormatTests.Save(stepper);
        var thrown = Assert.Throws<CheckpointMismatchException>(() =>
            new Adam { AmsGrad = true }.Resume(
                new float[1],
                new MemoryStream(file),
                options: new() { AllowChangedOptions = true }
            )
        );
        Assert.Equal(
            "parameter 'parameters': array 'maximum_second_moment': missing in the checkpoint",
            Assert.Single(thrown.Differences)
        );
        using var amsgrad = new Adam { AmsGrad = true }.Bind(new float[1]);
        thrown = Assert.Throws<CheckpointMismatchException>(() =>
            new Adam().Resume(new float[1], new MemoryStream(CheckpointFormatTests.Save(amsgrad)))
        );
        Assert.Equal(2, thrown.Differences.Count);
        Assert.Contains("but not of this optimizer", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_list_is_whole_in_the_property_and_short_in_the_message()
    {
        var recipe = new Sgd();
        using var stepper = recipe.Bind(Enumerable.Range(0, 100).Select(i => Parameter.Of($"old{i}", new float[1])));
        var thrown = Assert.Throws<CheckpointMismatchException>(() =>
            recipe.Resume([Parameter.Of("new", new float[1])], new MemoryStream(CheckpointFormatTests.Save(stepper)))
        );
        Assert.Equal(101, thrown.Differences.Count);
        Assert.Contains("and 81 more", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_caller_gives_is_checked_as_when_binding()
    {
        var all = new float[8];
        Assert.Throws<ArgumentException>(() =>
            Recipe.Resume([Parameter.Of("w", all.AsMemory(0, 6), 2, 3), Parameter.Of("b", all.AsMemory(5, 2))], Saved())
        );
        Assert.Throws<ArgumentNullException>(() => Recipe.Resume(all, (Stream)null!));
        Assert.Throws<ArgumentNullException>(() => Recipe.Resume(all, (string)null!));
        Assert.Throws<ArgumentException>(() => Recipe.Resume(all, ""));
    }

    private static void Refused(Func<Stream, IDisposable> resume, params string[] differences)
    {
        var thrown = Assert.Throws<CheckpointMismatchException>(() => resume(Saved()));
        Assert.Equal(differences, thrown.Differences);
        Assert.All(differences, difference => Assert.Contains(difference, thrown.Message, StringComparison.Ordinal));
    }

    private static Parameter<float>[] Both() =>
        [Parameter.Of("w", new float[6], 2, 3), Parameter.Of("b", new float[2])];

    private static MemoryStream Saved()
    {
        using var stepper = Recipe.Bind([Parameter.Of("w", [1f, 2, 3, 4, 5, 6], 2, 3), Parameter.Of("b", [8f, 9])]);
        stepper.Step([null, null]);
        return new(CheckpointFormatTests.Save(stepper));
    }
}
