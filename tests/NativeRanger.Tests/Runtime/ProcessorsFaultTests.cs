using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Runtime;

/// <summary>Fewer processors than threads, and a thread pool that has no thread to spare.</summary>
public sealed class ProcessorsFaultTests
{
    [Fact]
    public void Fault_48_affinity_limits_the_threads_of_a_step()
    {
        // "0-3,8": which processors this process may use.
        var allowed = File.ReadLines("/proc/self/status")
            .Single(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))
            .Split('\t')[1];
        var first = allowed.Split(',', '-')[0];
        Assert.Equal(
            "1",
            new Child.Start("ShowThreads") { Prefix = ["taskset", "-c", first] }
                .Run()
                .Succeeded()
        );
        Assert.Equal($"{Environment.ProcessorCount}", Child.Run("ShowThreads").Succeeded());
    }

    /// <summary>The variable stands for what a container's quota makes of the runtime's count of processors.</summary>
    [Fact]
    public void Fault_48_what_the_runtime_counts_limits_the_threads_of_a_step()
    {
        var start = new Child.Start("ShowThreads");
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        Assert.Equal("1", start.Run().Succeeded());
    }

    [Fact]
    public void Fault_48_a_step_does_not_wait_for_a_busy_pool() =>
        Assert.Equal("alone\nsame bits\nsame bits", Child.Run("StepBesideABusyPool").Succeeded());

    [Fact]
    public void Fault_48_less_than_one_thread_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeBackend.On(InstructionSet.Auto, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeBackend.MaxDegreeOfParallelism = 0);
    }
}
