using NativeRanger.Tests.Runtime;

namespace NativeRanger.Tests.Soak;

/// <summary>The soak of <c>build.sh --target=Soak</c>, scaled down; alone, since it measures the memory of the process.</summary>
[Collection(nameof(WholeProcess))]
public sealed class SoakTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_run_that_is_killed_and_resumed_ends_in_the_bits_of_its_twin(int seed)
    {
        var soak = new Endurance();
        soak.Run(seed, calls: 200, kills: 3);
        Assert.Equal(1, soak.Runs);
    }

    [Fact]
    public void Memory_and_handles_stay() => new Endurance().StayFlat(warmUp: 50, static starts => starts < 150);
}
