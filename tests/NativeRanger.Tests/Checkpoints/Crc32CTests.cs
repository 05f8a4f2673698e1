using System.Text;
using NativeRanger.Checkpoints;

namespace NativeRanger.Tests.Checkpoints;

public sealed class Crc32CTests
{
    /// <summary>The check value of the catalogue of CRCs, and the examples of RFC 3720, appendix B.4.</summary>
    public static TheoryData<byte[], uint> Known() =>
        new()
        {
            { [], 0 },
            { Encoding.ASCII.GetBytes("123456789"), 0xE3069283 },
            { new byte[32], 0x8A9136AA },
            { [.. Enumerable.Repeat((byte)0xFF, 32)], 0x62A8AB43 },
            { [.. Enumerable.Range(0, 32).Select(i => (byte)i)], 0x46DD794E },
            { [.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))], 0x113FDB5C },
        };

    [Theory]
    [MemberData(nameof(Known))]
    public void Known_checksums(byte[] bytes, uint expected)
    {
        Assert.Equal(expected, Crc32C.Of(bytes));
        Assert.Equal(expected, ~Crc32C.ByTable(uint.MaxValue, bytes));
    }

    [Fact]
    public void The_instruction_and_the_table_agree_on_every_length_and_split()
    {
        var bytes = new byte[67];
        new Random(1).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var expected = ~Crc32C.ByTable(uint.MaxValue, bytes.AsSpan(0, length));
            for (var split = 0; split <= length; split++)
            {
                var crc = new Crc32C();
                crc.Append(bytes.AsSpan(0, split));
                crc.Append(bytes.AsSpan(split, length - split));
                Assert.Equal(expected, crc.Value);
            }
        }
    }
}
