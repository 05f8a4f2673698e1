using NativeRanger.Mpi.Tests.Launching;
using NativeRanger.Mpi.Tests.Support;
using NativeRanger.Tests.Checkpoints;

namespace NativeRanger.Mpi.Tests.Checkpoints;

/// <summary>
/// What ranks saved with earlier versions is read for ever: it is kept in Golden, in a folder per version of the format. That of
/// a new version is written with <see cref="WorkerCommands.SaveGoldenShards"/>.
/// </summary>
public sealed class GoldenShardTests
{
    private const int RanksThen = 2;
    private const int SavedAfter = 3;

    private static readonly Ranger Recipe = new() { LearningRate = 0.1, Period = 2 };

    [Theory]
    [InlineData("v1")]
    public void Fault_74_shards_of_every_version_are_read(string version)
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(AppContext.BaseDirectory, "Golden", version, "run");
        var checkpoint = Checkpoint.Open(path);
        Assert.Equal(RanksThen, checkpoint.Shards.Count);
        checkpoint.Merge(directory.File("merged"));
        Assert.Equal(SavedAlone(directory.File("alone")), File.ReadAllBytes(directory.File("merged")));

        Ranks.Run(
            3,
            communicator =>
            {
                using var stepper = Recipe.ResumeSharded(Parameters(), communicator, path);
                stepper.Save(directory.File("again"));
                return stepper.StepCount;
            }
        );
        Checkpoint.Open(directory.File("again")).Merge(directory.File("merged again"));
        Assert.Equal(File.ReadAllBytes(directory.File("merged")), File.ReadAllBytes(directory.File("merged again")));
    }

    internal static void SaveAll(string folder) =>
        Ranks.Run(
            RanksThen,
            communicator =>
            {
                using var stepper = Recipe.BindSharded(Parameters(), communicator);
                stepper.AddAverage(new ExponentialAverage());
                for (var t = 0; t < SavedAfter; t++)
                {
                    stepper.Step(Gradients(t));
                }

                stepper.Save(Path.Combine(folder, "run"));
                return true;
            }
        );

    /// <summary>What one process saves that adds up the gradients of all ranks.</summary>
    private static byte[] SavedAlone(string path)
    {
        using var stepper = Recipe.Bind(Parameters());
        stepper.AddAverage(new ExponentialAverage());
        for (var t = 0; t < SavedAfter; t++)
        {
            for (var rank = 0; rank < RanksThen; rank++)
            {
                stepper.Accumulate(Gradients(t));
            }

            stepper.StepAccumulated();
        }

        stepper.Save(path);
        return File.ReadAllBytes(path);
    }

    /// <summary>A matrix whose rows are cut among the ranks, though they do not lie in one piece, and a vector.</summary>
    private static Parameter<float>[] Parameters() =>
        [
            new("layer/weight", new float[] { 1, 2, 3, 4, 5, 6 }, 2, 3) { StorageOrder = StorageOrder.ColumnMajor },
            Parameter.Of("b", new float[] { 7, 8 }),
        ];

    private static float[][] Gradients(int step) =>
        [
            [1, -1, 2, -2, 3, -3 - step],
            [1, step],
        ];
}
