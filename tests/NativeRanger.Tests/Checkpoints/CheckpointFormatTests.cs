using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using NativeRanger.Checkpoints;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>What is in a file, read without the library's own reader.</summary>
public sealed class CheckpointFormatTests
{
    [Fact]
    public void A_checkpoint_is_a_safetensors_file_with_parameters_state_and_text()
    {
        float[] w = [1, 2, 3, 4, 5, 6];
        using var stepper = new Adam { LearningRate = 0.5 }.Bind([
            Parameter.Of("w", w, 2, 3),
            Parameter<float>.Scalar("b", [7]),
        ]);
        stepper.Step([
            [1, 1, 1, 1, 1, 1],
            null,
        ]);
        var (header, data) = Parse(Save(stepper));
        AssertTensor(header, "w", "F32", [2, 3], 0, 24);
        AssertTensor(header, "w/first_moment", "F32", [2, 3], 24, 48);
        AssertTensor(header, "w/second_moment", "F32", [2, 3], 48, 72);
        AssertTensor(header, "b", "F32", [], 72, 76);
        Assert.Equal(84, data.Length);
        Assert.Equal(w[5], BitConverter.ToSingle(data, 20));
        Assert.Equal(stepper.StateArray(0, StateNames.FirstMoment)!.Slice(0, 1)[0], BitConverter.ToSingle(data, 24));
        var metadata = header.GetProperty("__metadata__");
        Assert.All(metadata.EnumerateObject(), entry => Assert.Equal(JsonValueKind.String, entry.Value.ValueKind));
        Assert.Equal("1", metadata.GetProperty("version").GetString());
        using var manifest = JsonDocument.Parse(metadata.GetProperty("manifest").GetString()!);
        Assert.Equal(1, manifest.RootElement.GetProperty("step_count").GetInt64());
        var recipe = manifest.RootElement.GetProperty("optimizer")[0];
        Assert.Equal("adam", recipe.GetProperty("kind").GetString());
        Assert.Equal(0.5, recipe.GetProperty("learning_rate").GetDouble());
        var group = manifest.RootElement.GetProperty("groups")[0];
        Assert.Equal(1, group.GetProperty("parameters")[0].GetProperty("counters").GetProperty("step").GetInt64());
        Assert.Equal(0, group.GetProperty("parameters")[1].GetProperty("counters").GetProperty("step").GetInt64());
        Assert.DoesNotContain("NativeRanger", header.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Doubles_are_doubles()
    {
        using var stepper = new Sgd().Bind(new double[] { Math.PI });
        var (header, data) = Parse(Save(stepper));
        AssertTensor(header, "parameters", "F64", [1], 0, 8);
        Assert.Equal(Math.PI, BitConverter.ToDouble(data, 0));
    }

    [Fact]
    public void A_column_major_matrix_is_stored_as_its_row_major_transpose()
    {
        var parameter = new Parameter<float>("w", new float[] { 1, 2, 3, 4, 5, 6 }, 2, 3)
        {
            StorageOrder = StorageOrder.ColumnMajor,
        };
        using var stepper = new Sgd().Bind([parameter]);
        AssertTensor(Parse(Save(stepper)).Header, "w", "F32", [3, 2], 0, 24);
    }

    [Theory]
    [InlineData("w", "w")]
    [InlineData("", "")]
    [InlineData("layer/0/weight", "layer%2F0%2Fweight")]
    [InlineData("100%", "100%25")]
    [InlineData("__metadata__", "%5F_metadata__")]
    [InlineData("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd")]
    [InlineData("ünï\"\\\n\0😀", "ünï\"\\\n\0😀")]
    public void Names_of_parameters_are_escaped_and_found_again(string name, string tensor)
    {
        float[] values = [1, 2];
        var recipe = new Adam();
        using var stepper = recipe.Bind([Parameter.Of(name, values)]);
        var file = Save(stepper);
        var names = Parse(file).Header.EnumerateObject().Select(property => property.Name).ToArray();
        Assert.Equal<object>(
            new[] { "__metadata__", tensor, tensor + "/first_moment", tensor + "/second_moment" },
            names
        );
        var restored = new float[2];
        using var again = recipe.Resume([Parameter.Of(name, restored)], new MemoryStream(file));
        Assert.Equal(values, restored);
    }

    // Attributes are stored in UTF-8, which has no half pairs.
    [Fact]
    public void Half_a_surrogate_pair_in_a_name_is_escaped()
    {
        Names_of_parameters_are_escaped_and_found_again("\ud83dx", "%uD83Dx");
        Names_of_parameters_are_escaped_and_found_again("x\ude00", "x%uDE00");
        Names_of_parameters_are_escaped_and_found_again("\ude00\ud83d", "%uDE00%uD83D");
    }

    [Fact]
    public void No_parameter_can_be_taken_for_the_state_of_another()
    {
        string[] names = ["w", "w/first_moment", "w%2Ffirst_moment", "w%252Ffirst_moment"];
        var recipe = new Adam();
        using var stepper = recipe.Bind(names.Select((name, i) => Parameter.Of(name, new float[] { i })));
        var restored = names.Select(_ => new float[1]).ToArray();
        using var again = recipe.Resume(
            names.Select((name, i) => Parameter.Of(name, restored[i])),
            new MemoryStream(Save(stepper))
        );
        Assert.Equal([0, 1, 2, 3], restored.Select(r => r[0]));
    }

    [Fact]
    public void Parameters_can_be_left_out()
    {
        float[] values = [1, 2, 3];
        var recipe = new Adam();
        using var stepper = recipe.Bind(values);
        stepper.Step([1, 1, 1]);
        using var file = new MemoryStream();
        stepper.Save(file, new() { IncludeParameters = false });
        var names = Parse(file.ToArray()).Header.EnumerateObject().Select(property => property.Name);
        Assert.Equal("__metadata__ parameters/first_moment parameters/second_moment", string.Join(' ', names));

        file.Position = 0;
        float[] same = [.. values];
        using (var again = recipe.Resume(same, file))
        {
            again.Step([1, 1, 1]);
            stepper.Step([1, 1, 1]);
            Assert.Equal(values, same);
        }

        file.Position = 0;
        float[] other = [1, 2, 3];
        var thrown = Assert.Throws<CheckpointMismatchException>(() => recipe.Resume(other, file));
        Assert.Contains(
            "'parameters': its values were left out",
            Assert.Single(thrown.Differences),
            StringComparison.Ordinal
        );
        Assert.Equal([1, 2, 3], other);
    }

    [Fact]
    public void The_header_checksum_covers_the_header_with_its_own_digits_as_zeros()
    {
        using var stepper = new Ranger().Bind(new float[3]);
        var file = Save(stepper);
        var header = file[..(8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file))];
        var prefix = "{\"__metadata__\":{\"crc32c\":\"";
        Assert.Equal(prefix, Encoding.UTF8.GetString(header, 8, prefix.Length));
        var digits = Encoding.UTF8.GetString(header, 8 + prefix.Length, 8);
        Encoding.UTF8.GetBytes("00000000").CopyTo(header, 8 + prefix.Length);
        Assert.Equal(Crc32C.Of(header).ToString("x8"), digits);
    }

    [Fact]
    public void Saving_twice_gives_the_same_bytes()
    {
        using var stepper = new Ranger().Bind([Parameter.Of("b", new float[3]), Parameter.Of("a", new float[4], 2, 2)]);
        stepper.AddAverage(new StochasticAverage());
        stepper.Step([new float[3], new float[4]]);
        Assert.Equal(Save(stepper), Save(stepper));
    }

    internal static byte[] Save<T>(Stepper<T> stepper)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        using var stream = new MemoryStream();
        stepper.Save(stream);
        return stream.ToArray();
    }

    private static (JsonElement Header, byte[] Data) Parse(byte[] file)
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        Assert.Equal(0, length % 8);
        using var document = JsonDocument.Parse(file.AsMemory(8, length));
        return (document.RootElement.Clone(), file[(8 + length)..]);
    }

    private static void AssertTensor(JsonElement header, string name, string type, long[] shape, long begin, long end)
    {
        var tensor = header.GetProperty(name);
        Assert.Equal(type, tensor.GetProperty("dtype").GetString());
        Assert.Equal(shape, tensor.GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt64()));
        Assert.Equal(
            [begin, end],
            tensor.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())
        );
    }
}
