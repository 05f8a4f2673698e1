using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>Native memory runs out.</summary>
public sealed class AllocationFaultTests
{
    [Fact]
    public void Fault_42_every_allocation_fails_in_turn()
    {
        using var directory = new TemporaryDirectory();
        using var library = new TemporaryDirectory();
        var child = FailingCalls.Run(new("FailWhileAllocating", directory.File("run")), library.Path);

        // What each call allocated; a save takes nothing from the heap but what the garbage collector gives.
        foreach (var line in child.Succeeded().Split('\n'))
        {
            var (what, failures) = (line.Split(": ")[0], int.Parse(line.Split(": ")[1]));
            Assert.True(what is "save" ? failures == 0 : failures > 2, line);
        }
    }

    /// <summary>More than the address space holds, asked for in one piece.</summary>
    [Fact]
    public unsafe void Fault_42_a_state_beyond_all_memory_is_refused()
    {
        float nothing = 1;
        var beyond = new Parameter<float>("p", &nothing, 1L << 46);
        using var stepper = new Sgd().Bind(new float[] { 1 });
        Assert.Throws<OutOfMemoryException>(() => new Adam().Bind([beyond]));
        Assert.Equal(1, nothing);
        Assert.True(stepper.Step([1]));
    }
}
