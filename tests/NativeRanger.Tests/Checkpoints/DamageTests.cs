using System.Buffers.Binary;
using System.Text;
using NativeRanger.Checkpoints;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>Truncated, damaged and hostile checkpoints are refused, and the arrays keep their values.</summary>
public sealed class DamageTests
{
    private static readonly Lookahead Recipe = new(new SeedRanger { LearningRate = 0.1 }) { Period = 2 };

    private static readonly byte[] Sound = Create();

    private static int HeaderLength => 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(Sound);

    [Fact]
    public void The_sound_file_is_read()
    {
        using var stepper = Recipe.Resume(Both(0), new MemoryStream(Sound));
        Assert.Equal(3, stepper.StepCount);
    }

    [Fact]
    public void Fault_67_every_truncation()
    {
        for (var length = 0; length < Sound.Length; length++)
        {
            Refused(new MemoryStream(Sound, 0, length), $"the first {length} bytes");
            Refused(new OneWayStream(Sound[..length]), $"the first {length} bytes, without their number");
        }
    }

    [Fact]
    public void Fault_68_every_bit_flip()
    {
        for (var bit = 0; bit < Sound.Length * 8; bit++)
        {
            var damaged = Sound.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Refused(new MemoryStream(damaged), $"bit {bit % 8} of byte {bit / 8}");
        }
    }

    [Fact]
    public void Bytes_after_the_end_of_a_file()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("c");
        File.WriteAllBytes(path, [.. Sound, 0]);
        var arrays = Both(7);
        var thrown = Assert.Throws<InvalidDataException>(() => Recipe.Resume(arrays, path));
        Assert.Contains("1 bytes follow its end", thrown.Message, StringComparison.Ordinal);
        Unchanged(arrays, 7);
    }

    [Fact]
    public void A_stream_is_left_at_the_end_of_the_checkpoint()
    {
        using var stream = new MemoryStream([1, .. Sound, .. Sound, 2]) { Position = 1 };
        Recipe.Resume(Both(0), stream).Dispose();
        Recipe.Resume(Both(0), stream).Dispose();
        Assert.Equal(2, stream.ReadByte());
    }

    [Fact]
    public void Another_safetensors_file()
    {
        var json = """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";
        byte[] file = [.. BitConverter.GetBytes((long)json.Length), .. Encoding.UTF8.GetBytes(json), .. new byte[8]];
        var thrown = Assert.Throws<InvalidDataException>(() => Recipe.Resume(Both(0), new MemoryStream(file)));
        Assert.Contains("no checkpoint of NativeRanger", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_74_a_newer_version()
    {
        var thrown = Assert.Throws<NotSupportedException>(() =>
            Recipe.Resume(Both(0), new MemoryStream(Forge("\"version\":\"1\"", "\"version\":\"2\"")))
        );
        Assert.Contains("version 2", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("up to 1", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>Whoever forges a file can also make its checksum right.</summary>
    [Theory]
    [InlineData("\"version\":\"1\"", "\"version\":\"0\"")]
    [InlineData("\"version\":\"1\"", "\"version\":\"x\"")]
    [InlineData("\"version\":\"1\"", "\"edition\":\"1\"")]
    [InlineData("\"manifest\":", "\"contents\":")]
    [InlineData("\\\"element_type\\\":\\\"F32\\\"", "\\\"element_type\\\":\\\"F64\\\"")]
    [InlineData("\\\"element_type\\\":\\\"F32\\\"", "\\\"element_type\\\":32")]
    [InlineData("\\\"step_count\\\":3", "\\\"step_count\\\":-3")]
    [InlineData("\\\"step_count\\\":3", "\\\"step_count\\\":9223372036854775807")]
    [InlineData("\\\"step_count\\\":3", "\\\"step_count\\\":3.5")]
    [InlineData("\\\"step_count\\\":3", "\\\"step_count\\\":3,\\\"step_count\\\":3")]
    [InlineData("\\\"step_count\\\":3,", "")]
    [InlineData("\\\"skipped_steps\\\":0,", "")]
    [InlineData("\\\"includes_parameters\\\":true,", "")]
    [InlineData("\\\"includes_parameters\\\":true", "\\\"includes_parameters\\\":false")]
    [InlineData("\\\"includes_parameters\\\":true", "\\\"includes_parameters\\\":1")]
    [InlineData("\\\"step\\\":3", "\\\"step\\\":-1")]
    [InlineData("\\\"averages\\\":[{\\\"decay\\\":0.5}]", "\\\"averages\\\":[{\\\"decay\\\":1.5}]")]
    [InlineData("\\\"averages\\\":[{\\\"decay\\\":0.5}]", "\\\"averages\\\":[{\\\"decay\\\":0.5},{\\\"decay\\\":0.5}]")]
    [InlineData("\\\"averages\\\":[{\\\"decay\\\":0.5}]", "\\\"averages\\\":[{\\\"start\\\":0,\\\"every\\\":0}]")]
    [InlineData(
        "\\\"averages\\\":[{\\\"decay\\\":0.5}]",
        "\\\"averages\\\":[{\\\"start\\\":0,\\\"every\\\":3000000000}]"
    )]
    [InlineData("\\\"averages\\\":[{\\\"decay\\\":0.5}]", "\\\"averages\\\":[{\\\"d\\\":0.5}]")]
    [InlineData("\\\"averages\\\":[{\\\"decay\\\":0.5}],", "")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{}]")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{},{},{}]")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{},{\\\"kind\\\":\\\"sgd\\\"}]")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{},{\\\"beta1\\\":2}]")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{},{\\\"non_finite\\\":\\\"throw\\\"}]")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{\\\"counter\\\":\\\"per_parameter\\\"},{}]")]
    [InlineData("\\\"current\\\":[{},{}]", "\\\"current\\\":[{},{\\\"epsilon\\\":1e-60}]")]
    [InlineData("\\\"current\\\":[{},{}],", "")]
    [InlineData("\\\"bound\\\":[{},{}],", "")]
    [InlineData("\\\"name\\\":\\\"b\\\"", "\\\"name\\\":\\\"w\\\"")]
    [InlineData("\\\"name\\\":\\\"b\\\"", "\\\"name\\\":\\\"c\\\"")]
    [InlineData("\\\"name\\\":\\\"b\\\",", "")]
    [InlineData("\\\"shape\\\":[2]", "\\\"shape\\\":[3]")]
    [InlineData("\\\"shape\\\":[2],", "")]
    [InlineData("\\\"values\\\":\\\"", "\\\"worth\\\":\\\"")]
    [InlineData("\\\"values\\\":\\\"", "\\\"values\\\":\\\"x")]
    [InlineData("\\\"storage\\\":\\\"column_major\\\",", "")]
    [InlineData("\"b/first_moment\"", "\"b/first\"")]
    [InlineData("\\\"groups\\\":[{", "\\\"groups\\\":[{},{")]
    [InlineData(
        "\\\"averages\\\":",
        "\\\"shards\\\":[{\\\"file\\\":\\\"../run.1\\\",\\\"checksum\\\":\\\"00000000\\\"}],\\\"averages\\\":"
    )]
    [InlineData(
        "\\\"averages\\\":",
        "\\\"shards\\\":[{\\\"file\\\":\\\"..\\\",\\\"checksum\\\":\\\"00000000\\\"}],\\\"averages\\\":"
    )]
    [InlineData(
        "\\\"averages\\\":",
        "\\\"shards\\\":[{\\\"file\\\":\\\"\\\",\\\"checksum\\\":\\\"00000000\\\"}],\\\"averages\\\":"
    )]
    [InlineData(
        "\\\"averages\\\":",
        "\\\"shards\\\":[{\\\"file\\\":\\\"run.1\\\",\\\"checksum\\\":\\\"0\\\"}],\\\"averages\\\":"
    )]
    [InlineData("\\\"averages\\\":", "\\\"shards\\\":[{\\\"file\\\":\\\"run.1\\\"}],\\\"averages\\\":")]
    [InlineData("\\\"averages\\\":", "\\\"shards\\\":[{\\\"checksum\\\":\\\"00000000\\\"}],\\\"averages\\\":")]
    [InlineData(
        "\\\"averages\\\":",
        "\\\"shards\\\":[{\\\"file\\\":\\\"run.1\\\",\\\"checksum\\\":\\\"00000000\\\",\\\"run\\\":1}],\\\"averages\\\":"
    )]
    [InlineData("\\\"step_count\\\":3", "\\\"step_count\\\":3}{")]
    [InlineData("\\\"step_count\\\":3", "\\\"step_count\\\":")]
    [InlineData("\\\"name\\\":\\\"b\\\"", "\\\"name\\\":\\\"w\\\",\\\"checksums\\\":{}")]
    [InlineData("\\\"groups\\\":[{", "\\\"groups\\\":[1,{")]
    public void Fault_68_a_forged_header_with_a_right_checksum(string sound, string forged) =>
        Refused(new MemoryStream(Forge(sound, forged)), $"{sound} → {forged}");

    /// <summary>No stepper has as many; what is not there need not be kept either.</summary>
    [Theory]
    [InlineData("\\\"averages\\\":[", "{\\\"decay\\\":0.5}", 65)]
    [InlineData("\\\"averages\\\":[", "{\\\"decay\\\":0.5}", 1_000_000)]
    [InlineData(
        "\\\"optimizer\\\":[",
        "{\\\"kind\\\":\\\"lookahead\\\",\\\"period\\\":2,\\\"blend\\\":0.8,\\\"inner_state\\\":\\\"keep\\\",\\\"counter\\\":\\\"shared\\\"}",
        65
    )]
    [InlineData(
        "\\\"optimizer\\\":[",
        "{\\\"kind\\\":\\\"lookahead\\\",\\\"period\\\":2,\\\"blend\\\":0.8,\\\"inner_state\\\":\\\"keep\\\",\\\"counter\\\":\\\"shared\\\"}",
        100_000
    )]
    public void Fault_71_more_averages_and_wrappers_than_there_can_be(string list, string item, int count)
    {
        var forged = Forge(list, list + string.Concat(Enumerable.Repeat(item + ",", count)));
        var thrown = Assert.Throws<InvalidDataException>(() => Recipe.Resume(Both(0), new MemoryStream(forged)));
        Assert.Contains("more than 64", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_error_at_any_read_changes_nothing()
    {
        for (var reads = 0; ; reads++)
        {
            using var failing = new OneWayStream(Sound) { SoundReads = reads };
            var arrays = Both(7);
            try
            {
                Recipe.Resume(arrays, failing).Dispose();
                Assert.True(reads > 10);
                return;
            }
            catch (IOException thrown)
            {
                Assert.Same(OneWayStream.Failure, thrown);
                Unchanged(arrays, 7);
            }
        }
    }

    [Fact]
    public void A_progress_callback_that_throws_changes_nothing_and_one_that_does_not_sees_the_end()
    {
        var seen = new List<CheckpointProgress>();
        Recipe.Resume(Both(0), new MemoryStream(Sound), options: new() { Progress = new Callback(seen.Add) }).Dispose();
        Assert.Equal(new CheckpointProgress(Sound.Length, Sound.Length), seen[^1]);
        Assert.Equal(seen.Select(p => p.Bytes).Order(), seen.Select(p => p.Bytes));
        foreach (var last in seen)
        {
            var arrays = Both(7);
            var stop = new Callback(p =>
            {
                if (p == last)
                {
                    throw new OperationCanceledException();
                }
            });
            Assert.Throws<OperationCanceledException>(() =>
                Recipe.Resume(arrays, new MemoryStream(Sound), options: new() { Progress = stop })
            );
            Unchanged(arrays, 7);
        }
    }

    internal static void Refused(Stream file, string what)
    {
        var arrays = Both(7);
        try
        {
            Recipe.Resume(arrays, file).Dispose();
            Assert.Fail($"{what}: read without complaint");
        }
        catch (Exception thrown) when (thrown is InvalidDataException)
        {
            Unchanged(arrays, 7);
        }
        catch (Exception thrown) when (thrown is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {thrown}");
        }
    }

    private static void Unchanged(Parameter<float>[] arrays, float value) =>
        Assert.All(arrays, p => Assert.All(p.Slice(0, (int)p.Length).ToArray(), v => Assert.Equal(value, v)));

    private static byte[] Forge(string sound, string forged)
    {
        var text = Encoding.UTF8.GetString(Sound, 8, HeaderLength - 8);
        var at = text.IndexOf(sound, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{sound} is not in {text}");
        var json = Encoding.UTF8.GetBytes(text[..at] + forged + text[(at + sound.Length)..]);
        byte[] header = [.. BitConverter.GetBytes((long)json.Length), .. json];
        var digits = 8 + "{\"__metadata__\":{\"crc32c\":\"".Length;
        Encoding.UTF8.GetBytes("00000000").CopyTo(header, digits);
        Encoding.UTF8.GetBytes(Crc32C.Of(header).ToString("x8")).CopyTo(header, digits);
        return [.. header, .. Sound[HeaderLength..]];
    }

    private static Parameter<float>[] Both(float value) =>
        [
            new("w", Enumerable.Repeat(value, 6).ToArray(), 2, 3) { StorageOrder = StorageOrder.ColumnMajor },
            Parameter.Of("b", Enumerable.Repeat(value, 2).ToArray()),
        ];

    private static byte[] Create()
    {
        using var stepper = Recipe.Bind(Both(1));
        stepper.AddAverage(new ExponentialAverage { Decay = 0.5 });
        for (var t = 0; t < 3; t++)
        {
            stepper.Step([
                [1, 2, 3, 4, 5, 6],
                [1, -1],
            ]);
        }

        return CheckpointFormatTests.Save(stepper);
    }
}
