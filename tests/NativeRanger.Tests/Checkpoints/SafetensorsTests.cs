using System.Buffers.Binary;
using System.Text;
using NativeRanger.Checkpoints;

namespace NativeRanger.Tests.Checkpoints;

public sealed class SafetensorsTests
{
    [Theory]
    [InlineData("{}", 0)]
    [InlineData("{}     ", 0)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}""", 24)]
    [InlineData("""{"a":{"data_offsets":[0,8],"shape":[],"dtype":"I64"}}""", 8)]
    [InlineData(
        """{"b":{"dtype":"BF16","shape":[2],"data_offsets":[3,7]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""",
        7
    )]
    [InlineData(
        """{"e":{"dtype":"F64","shape":[4,0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""",
        3
    )]
    [InlineData("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}""", 2)]
    public void Valid_headers(string json, long data) => Assert.Equal(data, Parse(json).DataLength);

    [Fact]
    public void Tensors_are_in_the_order_of_their_bytes_and_metadata_are_there()
    {
        var header = Parse(
            """{"__metadata__":{"k":"v\u00e9"},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a/é":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"""
        );
        Assert.Equal("a/é b", string.Join(' ', header.Tensors.Select(t => t.Name)));
        Assert.Equal("vé", header.Metadata["k"]);
    }

    /// <summary>What a hostile header may try; the first six are the attacks that the safetensors project lists.</summary>
    [Theory]
    [InlineData(
        "overlap",
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"""
    )]
    [InlineData(
        "same bytes",
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"""
    )]
    [InlineData(
        "hole",
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}"""
    )]
    [InlineData("hole at the start", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}""")]
    [InlineData("backwards", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""")]
    [InlineData("size", """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}""")]
    [InlineData("negative offset", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}""")]
    [InlineData(
        "offset beyond 64 bits",
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551620]}}"""
    )]
    [InlineData("fraction", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4.5]}}""")]
    [InlineData("one offset", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}""")]
    [InlineData("three offsets", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}""")]
    [InlineData("negative extent", """{"a":{"dtype":"U8","shape":[-2,-2],"data_offsets":[0,4]}}""")]
    [InlineData(
        "product beyond 64 bits",
        """{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"""
    )]
    [InlineData(
        "product beyond 64 bits, then 0",
        """{"a":{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}"""
    )]
    [InlineData(
        "product beyond 128 bits",
        """{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}"""
    )]
    [InlineData("unknown type", """{"a":{"dtype":"F128","shape":[1],"data_offsets":[0,16]}}""")]
    [InlineData("no type", """{"a":{"shape":[4],"data_offsets":[0,4]}}""")]
    [InlineData("no shape", """{"a":{"dtype":"U8","data_offsets":[0,4]}}""")]
    [InlineData("no offsets", """{"a":{"dtype":"U8","shape":[4]}}""")]
    [InlineData("unknown key", """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}""")]
    [InlineData("duplicate key in a tensor", """{"a":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}}""")]
    [InlineData(
        "duplicate tensor",
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"""
    )]
    [InlineData(
        "duplicate by escape",
        """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"""
    )]
    [InlineData("duplicate metadata", """{"__metadata__":{"k":"v","k":"v"}}""")]
    [InlineData("metadata twice", """{"__metadata__":{},"__metadata__":{}}""")]
    [InlineData("metadata no string", """{"__metadata__":{"k":1}}""")]
    [InlineData("metadata nested", """{"__metadata__":{"k":{}}}""")]
    [InlineData("half a surrogate pair", """{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""")]
    [InlineData("half a surrogate pair as a value", """{"__metadata__":{"k":"\udc00"}}""")]
    [InlineData("a list", "[]")]
    [InlineData("white space first", " {}")]
    [InlineData("more after the end", "{}{}")]
    [InlineData("zeros after the end", "{}\0\0")]
    [InlineData("comment", "{}/**/")]
    [InlineData("trailing comma", """{"__metadata__":{},}""")]
    [InlineData("cut off", """{"a":{"dtype":"U8","shape":[4]""")]
    [InlineData("empty", "")]
    [InlineData("tensor is a number", """{"a":1}""")]
    [InlineData("shape is an object", """{"a":{"dtype":"U8","shape":{},"data_offsets":[0,4]}}""")]
    [InlineData("extent is a list", """{"a":{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}}""")]
    public void Fault_70_71_hostile_headers(string why, string json)
    {
        Assert.NotEmpty(why);
        Assert.Throws<InvalidDataException>(() => Parse(json));
    }

    [Fact]
    public void Fault_71_invalid_utf8()
    {
        byte[] json = [.. "{\"a"u8, 0xC3, 0x28, .. "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}"u8];
        Assert.Throws<InvalidDataException>(() => Safetensors.Parse(File(json)));
    }

    [Fact]
    public void Fault_71_deep_nesting_is_refused_without_recursion()
    {
        var depth = 10_000_000;
        Assert.Throws<InvalidDataException>(() =>
            Parse($$"""{"a":{{new string('[', depth)}}{{new string(']', depth)}}}""")
        );
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData((ulong)int.MaxValue)]
    [InlineData(Safetensors.MaximumHeaderLength + 1UL)]
    [InlineData((ulong)Safetensors.MaximumHeaderLength)]
    [InlineData(3UL)]
    public void Fault_69_a_header_that_claims_more_than_there_is_or_may_be_allocates_nothing_for_it(ulong claimed)
    {
        var file = new byte[10];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimed);
        file[8] = (byte)'{';
        file[9] = (byte)'}';
        Safetensors.ReadHeaderBytes(new MemoryStream(File("{}"u8.ToArray())));
        foreach (var stream in new Stream[] { new MemoryStream(file), new OneWayStream(file) })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<InvalidDataException>(() => Safetensors.ReadHeaderBytes(stream));
            // One chunk of a stream whose length is unknown is 1 MiB; the exception and its message take a few KiB.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("\\u0061")]
    [InlineData("\\n")]
    [InlineData("é")]
    public void Fault_71_a_huge_name_is_read_in_bounded_memory(string part)
    {
        var name = string.Concat(Enumerable.Repeat(part, 10_000_000 / part.Length));
        var json = "{\"" + name + "\":" + """{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""";
        var header = File(Encoding.UTF8.GetBytes(json));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Single(Safetensors.Parse(header).Tensors);
        // The name in UTF-16, and what undoing its escapes takes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6L * header.Length);
    }

    [Fact]
    public void Fault_71_a_million_tensors_are_read_in_bounded_memory()
    {
        var json = new StringBuilder("{");
        for (var i = 0; i < 1_000_000; i++)
        {
            json.Append(i == 0 ? "" : ",")
                .Append(
                    $$"""
                    "{{i}}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}
                    """
                );
        }

        var header = File(Encoding.UTF8.GetBytes(json.Append('}').ToString()));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(1_000_000, Safetensors.Parse(header).Tensors.Length);
        // Per tensor: the record, its name, the shape, its builder and key set, about 600 bytes; 1 kB is the bound.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000_000);
    }

    private static Safetensors Parse(string json) => Safetensors.Parse(File(Encoding.UTF8.GetBytes(json)));

    private static byte[] File(byte[] json)
    {
        var file = new byte[sizeof(ulong) + json.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, sizeof(ulong));
        return file;
    }
}
