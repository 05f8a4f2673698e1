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
}
