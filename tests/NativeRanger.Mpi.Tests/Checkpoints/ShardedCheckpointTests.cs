using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Checkpoints;

/// <summary>Whatever number of ranks saves, any number resumes with the same bits, one process included.</summary>
public sealed class ShardedCheckpointTests
{
    private const int Steps = 8;

    public static TheoryData<string, string, string> Recipes =>
        new()
        {
            { "ranger-decay", "everything", "bare" },
            { "adamw-amsgrad", "none", "lookahead" },
            { "momentum", "clip-norm", "lookahead-pullback" },
            { "seed-ranger", "none", "bare" },
        };

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Fault_78_resume_with_another_number_of_ranks(string optimizer, string transform, string wrapper)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        var problem = new Problem<float>(Problem<float>.AllForms, Steps, microBatches: 4, absent: 6);
        var alone = problem.RunAlone(recipe, Average);
        Ranks.Run(4, c => problem.RunSharded(recipe, c, prepare: Average, after: SaveAt(path, 2), steps: ..3));
        Assert.Equal(5, Directory.GetFiles(directory.Path).Length);

        // Each goes on for a step and saves for the next.
        var done = 3;
        foreach (var ranks in new[] { 3, 1, 2, 7 })
        {
            var last = done;
            Ranks.Run(ranks, c => problem.ResumeSharded(recipe, c, path, last..(last + 1), SaveAt(path, last)));
            done++;
            Assert.Equal(ranks + 1, Directory.GetFiles(directory.Path).Length);
        }

        Assert.Null(alone.DifferenceTo(problem.ResumeAlone(recipe, path, done..)));
        var together = Ranks.Run(3, c => problem.ResumeSharded(recipe, c, path, done..));
        Assert.All(together, result => Assert.Null(alone.DifferenceTo(result)));
    }

    /// <summary>Ranks that save and end after every step, and others that go on: the bits of one process that is not cut.</summary>
    [Theory]
    [MemberData(nameof(Registry.Wrapped), MemberType = typeof(Registry))]
    public void Fault_75_cut_at_every_step_between_ranks(string optimizer, string wrapper)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var recipe = Registry.Recipe(optimizer, "none", wrapper);
        CutAtEveryStep<float>();
        CutAtEveryStep<double>();

        void CutAtEveryStep<T>()
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            var problem = new Problem<T>([new("rows", [7, 9]), new("vector", [91])], Steps, microBatches: 2);
            var alone = problem.RunAlone(recipe);
            Ranks.Run(2, c => problem.RunSharded(recipe, c, after: SaveAt<T>(path, 0), steps: ..1));
            for (var done = 1; done < Steps; done++)
            {
                var last = done;
                Ranks.Run(
                    done % 2 == 0 ? 2 : 1,
                    c => problem.ResumeSharded(recipe, c, path, last..(last + 1), SaveAt<T>(path, last))
                );
            }

            Assert.Null(alone.DifferenceTo(problem.ResumeAlone(recipe, path, Steps..)));
        }
    }

    [Fact]
    public void What_one_process_has_saved_is_resumed_by_ranks_and_the_other_way_round()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var recipe = Registry.Recipe("ranger", "none", "bare");
        var problem = new Problem<double>(Problem<double>.AllForms, Steps, microBatches: 3);
        var alone = problem.RunAlone(recipe, after: SaveAt<double>(path, 4));
        Assert.Single(Directory.GetFiles(directory.Path));

        var results = Ranks.Run(3, c => problem.ResumeSharded(recipe, c, path, 5..));
        Assert.All(results, result => Assert.Null(alone.DifferenceTo(result)));

        Ranks.Run(2, c => problem.ResumeSharded(recipe, c, path, 5..6, SaveAt<double>(path, 5)));
        Assert.Equal(3, Directory.GetFiles(directory.Path).Length);
        Assert.Null(alone.DifferenceTo(problem.ResumeAlone(recipe, path, 6.., SaveAt<double>(path, 7))));

        // The one file has taken the place of the shards too.
        Assert.Single(Directory.GetFiles(directory.Path));
    }

    [Fact]
    public void Parameters_can_be_left_out()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var recipe = new Ranger { LearningRate = 0.1 };
        var g = Enumerable.Range(0, 600).Select(i => (float)Math.Cos(i)).ToArray();
        var saved = Ranks.Run(
            3,
            c =>
            {
                var values = new float[600];
                using var stepper = recipe.BindSharded([Parameter.Of("p", values, 20, 30)], c);
                stepper.Step([g]);
                stepper.Save(path, new() { IncludeParameters = false });
                return values;
            }
        )[0];

        var same = saved.ToArray();
        using (var stepper = recipe.Resume([Parameter.Of("p", same, 20, 30)], path))
        {
            Assert.Equal(1, stepper.StepCount);
        }

        var other = new float[600];
        var refused = Assert.Throws<CheckpointMismatchException>(() =>
            recipe.Resume([Parameter.Of("p", other, 20, 30)], path)
        );
        Assert.Contains("parameter 'p': its values were left out", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_are_merged_into_the_file_that_one_process_would_have_saved()
    {
        using var directory = new TemporaryDirectory();
        using var elsewhere = new TemporaryDirectory();
        var recipe = Registry.Recipe("ranger-decay", "everything", "bare");
        var problem = new Problem<float>(Problem<float>.AllForms, steps: 3, microBatches: 3);
        Ranks.Run(3, c => problem.RunSharded(recipe, c, after: SaveAt(directory.File("run"), 2)));
        problem.RunAlone(recipe, after: SaveAt(elsewhere.File("run"), 2));

        var checkpoint = Checkpoint.Open(directory.File("run"));
        checkpoint.Verify();
        checkpoint.Merge(elsewhere.File("merged"));

        Assert.Equal(3, checkpoint.StepCount);
        Assert.Equal(3, checkpoint.Shards.Count);
        Assert.Equal(
            problem.Groups()[0].Parameters.Select(p => p.Name),
            checkpoint.Parameters.Select(p => p.Name),
            StringComparer.Ordinal
        );
        Assert.Equal(File.ReadAllBytes(elsewhere.File("run")), File.ReadAllBytes(elsewhere.File("merged")));
        Assert.Throws<ArgumentException>(() => checkpoint.Merge(directory.File("run")));
    }

    public static TheoryData<string, string> Damages =>
        new()
        {
            { "missing", "number 1, '{0}', is missing" },
            { "other run", "The shard '{0}' is not the one that belongs to" },
            { "swapped", "The shard '{0}' is not the one that belongs to" },
            { "header", "The shard '{0}' of" },
            { "truncated", "The shard '{0}' of" },
            { "elements", "has the CRC-32C" },
            { "foreign", "The shard '{0}' of" },
        };

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_shard_that_is_missing_damaged_or_of_another_run_is_refused_by_name(string damage, string message)
    {
        using var directory = new TemporaryDirectory();
        using var elsewhere = new TemporaryDirectory();
        var path = directory.File("run");
        var recipe = new Ranger { LearningRate = 0.1 };
        SaveOn3(recipe, path, steps: 2);
        SaveOn3(recipe, elsewhere.File("run"), steps: 3);
        var shards = Directory.GetFiles(directory.Path, "run.*-of-*").Order(StringComparer.Ordinal).ToArray();
        var others = Directory.GetFiles(elsewhere.Path, "run.*-of-*").Order(StringComparer.Ordinal).ToArray();
        var shard = shards[1];
        var bytes = File.ReadAllBytes(shard);
        switch (damage)
        {
            case "missing":
                File.Delete(shard);
                break;
            case "other run":
                File.Copy(others[1], shard, overwrite: true);
                break;
            case "swapped":
                File.Copy(shards[2], shard, overwrite: true);
                break;
            case "header":
                bytes[60] ^= 1;
                File.WriteAllBytes(shard, bytes);
                break;
            case "truncated":
                File.WriteAllBytes(shard, bytes[..^1]);
                break;
            case "elements":
                bytes[^3] ^= 1;
                File.WriteAllBytes(shard, bytes);
                break;
            case "foreign":
                File.Copy(path, shard, overwrite: true);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(damage));
        }

        var expected = string.Format(null, message, Path.GetFileName(shard));
        var values = new float[600];
        var alone = Record.Exception(() => recipe.Resume([Parameter.Of("p", values, 20, 30)], path));
        Assert.True(alone is InvalidDataException or FileNotFoundException, $"{alone}");
        Assert.Contains(expected, alone!.Message, StringComparison.Ordinal);
        Assert.All(values, v => Assert.Equal(0, v));
        var seen = Record.Exception(() => Checkpoint.Open(path).Verify());
        Assert.Contains(expected, seen!.Message, StringComparison.Ordinal);

        var together = Ranks.Try(
            2,
            communicator =>
            {
                using var end = communicator;
                recipe.ResumeSharded([Parameter.Of("p", values, 20, 30)], communicator, path);
            }
        );
        Assert.All(together, f => Assert.IsType<RankDisagreementException>(f));
        Assert.Contains(expected, together[0]!.Message, StringComparison.Ordinal);
        Assert.Single(together.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
        Assert.All(values, v => Assert.Equal(0, v));
    }

    [Fact]
    public void A_part_of_the_state_is_not_exported_as_if_it_were_all()
    {
        using var directory = new TemporaryDirectory();
        Ranks.Run(
            2,
            communicator =>
            {
                using var stepper = new AdamW().BindSharded(Parameters(), communicator);
                return Assert.Throws<NotSupportedException>(() => TorchState.Save(stepper, directory.File("torch")));
            }
        );
    }

    [Fact]
    public void A_shard_is_not_taken_for_a_checkpoint()
    {
        using var directory = new TemporaryDirectory();
        SaveOn3(new Ranger(), directory.File("run"), steps: 1);
        var shard = Directory.GetFiles(directory.Path, "run.*-of-*")[0];

        var refused = Assert.Throws<InvalidDataException>(() => new Ranger().Resume(new float[600], 20, 30, shard));
        Assert.Contains("This is a shard of a checkpoint", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 1)]
    public void A_save_that_fails_on_one_rank_fails_on_all_and_leaves_the_old_checkpoint(int rank, int report)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var recipe = new Ranger { LearningRate = 0.1 };
        SaveOn3(recipe, path, steps: 2);
        var before = Directory.GetFiles(directory.Path).Order(StringComparer.Ordinal).ToArray();
        var failures = Ranks.Try(
            3,
            communicator =>
            {
                using var end = communicator;
                using var stepper = recipe.ResumeSharded(Parameters(), communicator, path);
                stepper.Step([new float[600]]);
                var reports = 0;
                var progress = new Callback(_ =>
                {
                    if (communicator.Rank == rank && ++reports == report)
                    {
                        throw new InvalidOperationException("the disk is on fire.");
                    }
                });
                var message = Assert
                    .Throws<RankDisagreementException>(() => stepper.Save(path, new() { Progress = progress }))
                    .Message;
                stepper.Step([new float[600]]);
                throw new InvalidOperationException(message);
            }
        );

        Assert.Contains(
            $"Rank {rank} cannot go on with Save: the disk is on fire.",
            failures[0]!.Message,
            StringComparison.Ordinal
        );
        Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
        Assert.Equal(before, Directory.GetFiles(directory.Path).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        using var resumed = recipe.Resume(Parameters(), path);
        Assert.Equal(2, resumed.StepCount);
    }

    public static TheoryData<string, string> Disagreements =>
        new()
        {
            { "path", "Rank 1 disagrees with rank 0" },
            { "without parameters", "Rank 1 disagrees with rank 0" },
            { "stream", "Rank 1 cannot go on with Save: Ranks that share steps each write a file of their own" },
            { "evaluating", "disagrees with rank 0" },
            { "accumulated", "disagrees with rank 0" },
        };

    [Theory]
    [MemberData(nameof(Disagreements))]
    public void A_save_that_ranks_disagree_on_writes_nothing(string how, string message)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        var failures = Ranks.Try(
            3,
            communicator =>
            {
                using var end = communicator;
                using var stepper = new Ranger().BindSharded(Parameters(), communicator);
                var (target, options) = (path, new SaveOptions());
                switch (communicator.Rank == 1 ? how : "")
                {
                    case "path":
                        target += "x";
                        break;
                    case "without parameters":
                        options = new() { IncludeParameters = false };
                        break;
                    case "stream":
                        stepper.Save(new MemoryStream());
                        return;
                    case "evaluating":
                        using (stepper.UseSlowWeights())
                        {
                            return;
                        }

                    case "accumulated":
                        stepper.Accumulate([new float[600]]);
                        return;
                }

                stepper.Save(target, options);
            }
        );

        Assert.All(failures, f => Assert.IsType<RankDisagreementException>(f));
        Assert.All(failures, f => Assert.Contains(message, f!.Message, StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles(directory.Path));
    }

    [Fact]
    public void A_resume_that_fails_on_one_rank_fails_on_all()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("run");
        SaveOn3(new Ranger(), path, steps: 1);
        foreach (var rank in new[] { 0, 1 })
        {
            foreach (var how in new[] { "shape", "path", "report" })
            {
                var failures = Ranks.Try(
                    2,
                    communicator =>
                    {
                        using var end = communicator;
                        var fails = communicator.Rank == rank;
                        var values = new float[600];
                        var parameter =
                            fails && how is "shape"
                                ? Parameter.Of("p", values, 30, 20)
                                : Parameter.Of("p", values, 20, 30);
                        var progress = new Callback(_ =>
                        {
                            if (fails && how is "report")
                            {
                                throw new InvalidOperationException("enough");
                            }
                        });
                        try
                        {
                            new Ranger().ResumeSharded(
                                [parameter],
                                communicator,
                                fails && how is "path" ? path + "x" : path,
                                resume: new() { Progress = progress }
                            );
                        }
                        finally
                        {
                            Assert.All(values, v => Assert.Equal(0, v));
                        }
                    }
                );
                Assert.All(failures, f => Assert.IsType<RankDisagreementException>(f));
                Assert.Single(failures.Select(f => f!.Message).Distinct(StringComparer.Ordinal));
            }
        }
    }

    private static Parameter<float>[] Parameters() => [Parameter.Of("p", new float[600], 20, 30)];

    private static void SaveOn3(Optimizer recipe, string path, int steps) =>
        Ranks.Run(
            3,
            communicator =>
            {
                using var stepper = recipe.BindSharded(Parameters(), communicator);
                for (var t = 0; t < steps; t++)
                {
                    stepper.Step([Enumerable.Range(0, 600).Select(i => (float)Math.Cos(i + t)).ToArray()]);
                }

                stepper.Save(path);
                return true;
            }
        );

    private static void Average(Stepper<float> stepper) => stepper.AddAverage(new ExponentialAverage { Decay = 0.9 });

    private static Action<Stepper<float>, int> SaveAt(string path, int step) => SaveAt<float>(path, step);

    private static Action<Stepper<T>, int> SaveAt<T>(string path, int step)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T> =>
        (stepper, t) =>
        {
            if (t == step)
            {
                stepper.Save(path);
            }
        };

    /// <summary>Every array is found by its name: looking among the parts of all for each would allocate gigabytes of names.</summary>
    [Fact]
    public void Fault_71_many_shards_of_many_arrays_are_verified_in_bounded_memory()
    {
        const int Parameters = 1000;
        using var directory = new TemporaryDirectory();
        Ranks.Run(
            2,
            communicator =>
            {
                var parameters = Enumerable.Range(0, Parameters).Select(i => Parameter.Of($"{i}", new float[1]));
                using var stepper = new Adam().BindSharded(parameters, communicator);
                stepper.Save(directory.File("run"));
                return true;
            }
        );
        var checkpoint = Checkpoint.Open(directory.File("run"));
        checkpoint.Verify();
        var before = GC.GetAllocatedBytesForCurrentThread();
        checkpoint.Verify();
        // What is kept of an array and the stream that reads it take about 2 kB; of three arrays each, 30 kB are the bound.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Parameters * 30_000L);
    }
}
