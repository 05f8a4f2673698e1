using NativeRanger.Numerics.Reference;

namespace NativeRanger.Tests.Reference;

/// <summary>The order of additions, shown by terms that vanish or not depending on whom they meet first.</summary>
/// <remarks>
/// 2^53 + 1 is a tie and rounds to 2^53, 2^53 + 2 is exact: two ones survive exactly if they are added to each other first.
/// </remarks>
public sealed class CanonicalSumTests
{
    private const double Big = 9007199254740992; // 2^53

    [Theory]
    // One lane takes its terms in order.
    [InlineData(Big, 32, 64)]
    // Lanes 8 and 16 both go to lane 0: 16 in the first halving, 8 in the second.
    [InlineData(Big, 8, 16)]
    [InlineData(Big, 4, 8)]
    [InlineData(Big, 2, 4)]
    [InlineData(Big, 1, 2)]
    // Lane 31 has taken both before it is added to any other.
    [InlineData(Big + 2, 31, 63)]
    // Lanes that meet before they reach lane 0.
    [InlineData(Big + 2, 8, 24)]
    [InlineData(Big + 2, 4, 12)]
    [InlineData(Big + 2, 2, 6)]
    [InlineData(Big + 2, 1, 3)]
    // The second block is added up by itself, and its sum goes to lane 1 of the next round.
    [InlineData(Big + 2, 4096, 4097)]
    [InlineData(Big + 2, 4096, 8191)]
    // The sums of blocks 1 and 2 go to lanes 1 and 2, those of blocks 1 and 3 meet in lane 1.
    [InlineData(Big, 4096, 8192)]
    [InlineData(Big + 2, 4096, 12288)]
    // The sums of 4,097 blocks and more are themselves taken in blocks.
    [InlineData(Big + 2, 4096 * 4096, 4097 * 4096)]
    public void A_large_term_and_two_ones(double expected, int firstOne, int secondOne)
    {
        var terms = new double[secondOne + 1];
        (terms[0], terms[firstOne], terms[secondOne]) = (Big, 1, 1);

        Assert.Equal(expected, CanonicalSum.Of(terms));
    }

    [Fact]
    public void Lanes_start_at_positive_zero()
    {
        Assert.False(double.IsNegative(CanonicalSum.Of([])));
        Assert.False(double.IsNegative(CanonicalSum.Of([-0.0])));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(100_003)]
    public void Whole_numbers_are_added_exactly(int count)
    {
        var terms = new double[count];
        for (var i = 0; i < count; i++)
        {
            terms[i] = i + 1;
        }

        Assert.Equal((double)count * (count + 1) / 2, CanonicalSum.Of(terms));
    }
}
