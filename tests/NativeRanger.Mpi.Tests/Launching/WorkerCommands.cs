using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeRanger.Mpi.Tests.Checkpoints;
using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>What ranks can be asked to do; all do the same. Output is one line per rank.</summary>
internal static class WorkerCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Saves the checkpoints that later versions must read.</summary>
    public static void SaveGoldenShards(string folder) => GoldenShardTests.SaveAll(folder);

    /// <summary>Steps problems together with the other ranks and alone, and tells whether every rank has the same bits.</summary>
    public static void CompareBits()
    {
        using var communicator = Communicator.World(Patience);
        Compare<float>("ranger-decay", "everything", "bare", microBatches: 4);
        Compare<float>("ranger", "none", "bare", microBatches: 7);
        Compare<double>("adamw-amsgrad", "clip-norm", "lookahead", microBatches: 9);
        Compare<float>("seed-ranger", "none", "bare", microBatches: 2);
        Console.WriteLine($"rank {communicator.Rank} of {communicator.Size}: the same bits");

        void Compare<T>(string optimizer, string transform, string wrapper, int microBatches)
            where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
        {
            var recipe = Registry.Recipe(optimizer, transform, wrapper);
            var problem = new Problem<T>(Problem<T>.AllForms, steps: 3, microBatches, absent: 6);
            var difference = problem.RunAlone(recipe).DifferenceTo(problem.RunSharded(recipe, communicator));
            Assert.True(difference is null, $"{optimizer} on rank {communicator.Rank}: {difference}");
        }
    }

    /// <summary>Sums of whole numbers are exact in any order, so the fast mode has to give the same bits with them.</summary>
    public static void CompareFast()
    {
        using var communicator = Communicator.World(Patience);
        var values = new float[9001];
        var alone = new float[9001];
        var recipe = new Sgd { LearningRate = 0.5 };
        var options = new ShardingOptions
        {
            Reduction = ReductionMode.Fast,
            Combination = GradientCombination.Sum,
            BucketBytes = 8192,
        };
        using var stepper = recipe.BindSharded([Parameter.Of("p", values)], communicator, options);
        using var reference = recipe.Bind(alone);
        for (var t = 0; t < 3; t++)
        {
            stepper.Step([Gradient(communicator.Rank)]);
            for (var rank = 0; rank < communicator.Size; rank++)
            {
                reference.Step(Gradient(rank));
            }
        }

        Assert.Equal(alone, values);
        Console.WriteLine($"rank {communicator.Rank}: the same sums");

        static float[] Gradient(int rank) => [.. Enumerable.Range(0, 9001).Select(i => (float)((i + rank) % 17))];
    }

    /// <summary>What the library says about itself, and parts of the world.</summary>
    public static void Describe()
    {
        using var communicator = Communicator.World(Patience);
        using var part = communicator.Split(communicator.Rank % 2, -communicator.Rank);
        part!.Barrier();
        using var adopted = Communicator.FromHandle(HandleOfWorld(), Patience);
        Assert.Equal((communicator.Rank, communicator.Size), (adopted.Rank, adopted.Size));
        adopted.Barrier();
        Console.WriteLine(
            $"{communicator} UCX='{Environment.GetEnvironmentVariable("UCX_ERROR_SIGNALS")}' part {part}"
        );
        try
        {
            Console.WriteLine($"{((string)null!).Length}");
        }
        catch (NullReferenceException)
        {
            Console.WriteLine("survived a null reference");
        }
    }

    /// <summary>MPI_COMM_WORLD as C has it: the address of a symbol of Open MPI, a constant of MPICH's binary interface.</summary>
    private static nint HandleOfWorld() =>
        NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "ompi_mpi_comm_world", out var world)
            ? world
            : 0x44000000;

    /// <summary>Steps until rank 1 stops or dies in the middle; what the others throw goes into a file of each.</summary>
    public static void LoseARank(string how, string seconds, string directory)
    {
        var communicator = Communicator.World(Patience);
        var values = new float[5000];
        var stepper = new Ranger().BindSharded([Parameter.Of("p", values)], communicator);
        var g = new float[5000];
        stepper.Step([g]);
        communicator.Timeout = TimeSpan.FromSeconds(double.Parse(seconds));
        try
        {
            stepper.Step(
                () =>
                {
                    if (communicator.Rank == 1)
                    {
                        Lose(how);
                    }

                    return 0;
                },
                [g]
            );
            Console.WriteLine($"rank {communicator.Rank}: stepped");
        }
        catch (Exception failure) when (failure is RankTimeoutException or MpiException)
        {
            Report(directory, communicator.Rank, failure);

            // The launcher ends all ranks when one ends.
            while (!File.Exists(ReportOf(directory, communicator.Rank == 0 ? 2 : 0)))
            {
                Thread.Yield();
            }

            Process.GetCurrentProcess().Kill();
        }
    }

    /// <summary>Where a rank says what it has thrown.</summary>
    public static string ReportOf(string directory, int rank) => Path.Combine(directory, $"lost-{rank}");

    /// <summary>Three ranks that are threads save twice; one dies at a file call of the second save, and so do all.</summary>
    public static void DieWhileSaving(string path, string rank, string at) =>
        Ranks.Run(
            3,
            communicator =>
            {
                using var stepper = Saved.BindSharded(Saved.Parameters(), communicator);
                stepper.Step([Saved.Gradient(0)]);
                stepper.Save(path);
                stepper.Step([Saved.Gradient(1)]);
                communicator.Barrier();
                if (communicator.Rank != int.Parse(rank))
                {
                    stepper.Save(path);
                    return true;
                }

                FileCalls.DieAt(int.Parse(at));
                stepper.Save(path);
                Console.WriteLine($"{FileCalls.Disarm()} calls");
                return true;
            }
        );

    /// <summary>Saves twice; rank 1 is killed in the middle of the second save.</summary>
    public static void KillWhileSaving(string path)
    {
        using var communicator = Communicator.World(Patience);
        using var stepper = Saved.BindSharded(Saved.Parameters(), communicator);
        stepper.Step([Saved.Gradient(0)]);
        stepper.Save(path);
        stepper.Step([Saved.Gradient(1)]);
        stepper.Save(
            path,
            new()
            {
                Progress = new Callback(progress =>
                {
                    if (communicator.Rank == 1 && progress.Bytes > progress.TotalBytes / 2)
                    {
                        Lose("-KILL");
                    }
                }),
            }
        );
        Console.WriteLine("saved");
    }

    /// <summary>Takes the steps from one to another, resuming from a checkpoint unless they begin at 0, and saves.</summary>
    public static void StepAndSave(string path, string first, string end)
    {
        using var communicator = Communicator.World(Patience);
        var (from, to) = (int.Parse(first), int.Parse(end));
        if (from == 0)
        {
            Saved.Problem.RunSharded(Saved.Recipe, communicator, after: SaveAt, steps: ..to);
        }
        else
        {
            Saved.Problem.ResumeSharded(Saved.Recipe, communicator, path, from..to, SaveAt);
        }

        void SaveAt(Stepper<float> stepper, int step)
        {
            if (step == to - 1)
            {
                stepper.Save(path);
            }
        }
    }

    /// <summary>Steps, and steps again once the link between the ranks is cut; what that throws goes into a file.</summary>
    public static void LoseTheLink(string directory, string seconds)
    {
        var communicator = Communicator.World(Patience);
        var stepper = new Ranger().BindSharded([Parameter.Of("p", new float[5000])], communicator);
        var g = new float[5000];
        stepper.Step([g]);
        communicator.Timeout = TimeSpan.FromSeconds(double.Parse(seconds));
        File.WriteAllText(Path.Combine(directory, $"ready-{communicator.Rank}"), "");
        while (!File.Exists(Path.Combine(directory, "cut")))
        {
            Thread.Yield();
        }

        try
        {
            stepper.Step([g]);
        }
        catch (Exception failure)
        {
            Report(directory, communicator.Rank, failure);
        }

        Process.GetCurrentProcess().Kill();
    }

    private static void Report(string directory, int rank, Exception failure)
    {
        var file = ReportOf(directory, rank);
        File.WriteAllText(file + ".partial", $"{failure.GetType().Name}: {failure.Message}");
        File.Move(file + ".partial", file);
    }

    /// <summary>Kills or stops this process.</summary>
    private static void Lose(string how)
    {
        using var kill = Process.Start("kill", [how, $"{Environment.ProcessId}"]);
        kill.WaitForExit();

        // No other thread waits for this: here the signal arrives, at the latest a moment after kill has ended.
        Thread.Sleep(Patience);
    }
}
