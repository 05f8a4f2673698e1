using NativeRanger.Tests.Fuzzing;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>A checkpoint as a file that can be looked into.</summary>
public sealed class CheckpointTests
{
    [Fact]
    public void A_checkpoint_of_doubles_is_verified_and_written_anew()
    {
        using var directory = new TemporaryDirectory();
        double[] p = [1, 2];
        using (var stepper = new Adam().Bind(p))
        {
            stepper.Step([1, -1]);
            stepper.Save(directory.File("run"));
        }

        var checkpoint = Checkpoint.Open(directory.File("run"));
        Assert.Equal("F64", checkpoint.ElementType);
        checkpoint.Verify();
        checkpoint.Merge(directory.File("merged"));
        Assert.Equal(File.ReadAllBytes(directory.File("run")), File.ReadAllBytes(directory.File("merged")));
        Assert.Throws<ArgumentException>(() => checkpoint.Merge(directory.File("run")));

        var damaged = File.ReadAllBytes(directory.File("run"));
        damaged[^1] ^= 1;
        File.WriteAllBytes(directory.File("damaged"), damaged);
        Assert.Throws<InvalidDataException>(() => Checkpoint.Open(directory.File("damaged")).Verify());
    }

    [Fact]
    public void Bytes_after_the_end_are_refused()
    {
        using var directory = new TemporaryDirectory();
        using (var stepper = new Adam().Bind(new float[2]))
        {
            stepper.Save(directory.File("run"));
        }

        File.AppendAllText(directory.File("run"), "more");
        var thrown = Assert.Throws<InvalidDataException>(() => Checkpoint.Open(directory.File("run")));
        Assert.Contains("4 bytes follow its end", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_is_not_merged_into()
    {
        using var directory = new TemporaryDirectory();
        var shard = ShardFuzzing.Files.Max(StringComparer.Ordinal)!;
        var checkpoint = Checkpoint.Open(ShardFuzzing.Write(directory, shard, ShardFuzzing.Sound(shard)));
        Assert.Contains(shard, checkpoint.Shards, StringComparer.Ordinal);
        Assert.Throws<ArgumentException>(() => checkpoint.Merge(directory.File(shard)));
        checkpoint.Verify();
    }

    /// <summary>Looking among all tensors for each of them would take minutes.</summary>
    [Fact]
    public void Fault_71_a_hundred_thousand_tensors_are_verified_and_merged()
    {
        using var directory = new TemporaryDirectory();
        var parameters = Enumerable.Range(0, 100_000).Select(i => Parameter.Of($"{i}", Array.Empty<float>()));
        using (var stepper = new Sgd().Bind(parameters))
        {
            stepper.Save(directory.File("run"));
        }

        var checkpoint = Checkpoint.Open(directory.File("run"));
        Assert.Equal(100_000, checkpoint.Parameters.Count);
        checkpoint.Verify();
        checkpoint.Merge(directory.File("merged"));
        Assert.Equal(File.ReadAllBytes(directory.File("run")), File.ReadAllBytes(directory.File("merged")));
    }
}
