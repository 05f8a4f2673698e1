using NativeRanger.Numerics;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>A save that is killed, or whose calls of the system fail, leaves the old checkpoint or the new one, whole.</summary>
public sealed class InterruptedSaveTests
{
    private static readonly Ranger Recipe = new() { LearningRate = 0.1 };

    [Fact]
    public void Fault_65_a_process_that_is_killed_at_any_call_of_a_save()
    {
        for (var at = 1; ; at++)
        {
            using var directory = new TemporaryDirectory();
            using var library = new TemporaryDirectory();
            var path = directory.File("run");
            var child = FailingCalls.Run(new("DieWhileSaving", path, $"{at}"), library.Path);
            var values = new float[100];
            if (child.ExitCode == 0)
            {
                // Nothing is left to die at; and this is the order that makes the file durable, in a file that was not there.
                Assert.Matches(@"create( \w+)* write( \w+)* fsync( \w+)* rename( \w+)* open fsync", child.Output);
                Assert.True(at > 5, child.Output);
                return;
            }

            Assert.True(child.ExitCode == Child.Killed, child.Error);
            using (var stepper = Recipe.Resume(values, path, Backend.Managed))
            {
                Assert.InRange(stepper.StepCount, 0, 1);
                stepper.Save(path);
            }

            Assert.Equal("run", directory.Names);
        }
    }

    [Theory]
    [InlineData(FailingCalls.InputOutputError)]
    [InlineData(FailingCalls.NoSpace)]
    public void Fault_66_a_full_or_broken_disk_at_any_call_of_a_save(int error)
    {
        using var directory = new TemporaryDirectory();
        using var library = new TemporaryDirectory();
        var child = FailingCalls.Run(new("FailWhileSaving", directory.File("run"), $"{error}"), library.Path);
        var lines = child.Succeeded().Split('\n');
        // Each failure but that of the directory, which comes after the rename, was reported and left the old file.
        Assert.Contains(lines, line => line.StartsWith("write: ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("fsync: ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("rename: ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line is "write: tolerated" or "fsync: tolerated" or "rename: tolerated");
        Assert.Equal("run", directory.Names);
    }
}
