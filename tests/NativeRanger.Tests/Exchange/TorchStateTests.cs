using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Json.Nodes;
using NativeRanger.Tests.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Exchange;

/// <summary>What a file for PyTorch holds, and what is refused; PyTorch itself is not needed.</summary>
public sealed class TorchStateTests
{
    public static TheoryData<string> Names() => [.. ExchangeCase.Recipes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Loading_restores_every_bit(string name)
    {
        foreach (var backend in new[] { Backend.Native, Registry.Backends().First() })
        {
            RestoresEveryBit<float>(name, backend);
            RestoresEveryBit<double>(name, backend);
        }
    }

    [Fact]
    public void A_matrix_is_stored_row_by_row_whatever_its_storage_order()
    {
        using var stepper = new Sgd().Bind([
            new Parameter<float>("w", [1, 4, 2, 5, 3, 6], 2, 3) { StorageOrder = StorageOrder.ColumnMajor },
        ]);
        var bytes = Save(stepper);
        var header = Header(bytes);
        Assert.Equal("[2,3]", header["model.w"]!["shape"]!.ToJsonString());
        var data = bytes.AsSpan(bytes.Length - (6 * sizeof(float)));
        Assert.Equal(
            [1, 2, 3, 4, 5, 6],
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data).ToArray()
        );
    }

    [Fact]
    public void Names_options_and_state_are_those_of_Python()
    {
        var recipe = new Lookahead(new Adam { AmsGrad = true, Epsilon = 1e-5 }) { Period = 3 };
        using var stepper = recipe.Bind([Parameter.Of("layer.weight", [1f, 2]), Parameter.Of("b", [3f])]);
        for (var step = 0; step < 4; step++)
        {
            stepper.Step([
                [1, 1],
                null,
            ]);
        }

        var header = Header(Save(stepper));
        Assert.Equal(
            """
            {"format":"pt","optimizer":"Adam","steps":"4",
            "optimizer.param_groups.layer.weight.lr":"0.001","optimizer.param_groups.layer.weight.weight_decay":"0",
            "optimizer.param_groups.layer.weight.betas":"[0.9, 0.999]","optimizer.param_groups.layer.weight.eps":"1E-05",
            "optimizer.param_groups.layer.weight.amsgrad":"true",
            "optimizer.param_groups.b.lr":"0.001","optimizer.param_groups.b.weight_decay":"0",
            "optimizer.param_groups.b.betas":"[0.9, 0.999]","optimizer.param_groups.b.eps":"1E-05",
            "optimizer.param_groups.b.amsgrad":"true",
            "lookahead._total_la_steps":"3","lookahead.la_alpha":"0.8","lookahead.pullback_momentum":"\"none\"",
            "lookahead._la_step":"1"}
            """.ReplaceLineEndings(""),
            header["__metadata__"]!.ToJsonString(
                new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        );
        Assert.Equal(
            "__metadata__ model.layer.weight lookahead.state.layer.weight.cached_params "
                + "optimizer.state.layer.weight.exp_avg optimizer.state.layer.weight.exp_avg_sq "
                + "optimizer.state.layer.weight.max_exp_avg_sq model.b lookahead.state.b.cached_params "
                + "optimizer.state.layer.weight.step",
            string.Join(' ', header.AsObject().Select(member => member.Key))
        );
    }

    [Fact]
    public void A_stepper_that_has_been_stepped_forgets_all_of_it()
    {
        using var fresh = Bind(new Ranger(), 1, 2);
        using var used = Bind(new Ranger(), 5, 6);
        used.Step([
            [1, 2],
        ]);
        TorchState.Load(used, new MemoryStream(Save(fresh)));
        Assert.Equal(0, used.StepCount);
        Assert.Equal(Save(fresh), Save(used));
        Assert.Equal([1, 2], used.SlowWeights().Slice(0, 2).ToArray());

        using var accumulating = Bind(new AdaGrad { InitialAccumulator = 0.5 }, 5, 6);
        accumulating.Step([
            [1, 2],
        ]);
        TorchState.Load(
            accumulating,
            Edited(
                Save(Bind(new AdaGrad { InitialAccumulator = 0.5 }, 1, 2)),
                header =>
                {
                    header.Remove("optimizer.state.p.sum");
                    header.Remove("optimizer.state.p.step");
                },
                keepBytes: 2 * sizeof(float)
            )
        );
        Assert.Equal([0.5f, 0.5f], accumulating.StateArrays[0].Slice(0, 2).ToArray());
    }

    [Fact]
    public void Parameters_may_be_left_out()
    {
        using var saved = Bind(new Adam(), 1, 2);
        saved.Step([
            [1, 2],
        ]);
        var stream = new MemoryStream();
        TorchState.Save(saved, stream, new() { IncludeParameters = false });
        using var other = Bind(new Adam(), 7, 8);
        stream.Position = 0;
        TorchState.Load(other, stream);
        Assert.Equal([7, 8], other.Parameters[0].Slice(0, 2).ToArray());
        Assert.Equal(1, other.ParameterSteps(0));
    }

    [Theory]
    [InlineData(16_777_216, "F32")]
    [InlineData(16_777_217, "F64")]
    public void Counts_that_float32_does_not_hold_are_written_in_float64(long steps, string type)
    {
        using var saved = Bind(new Adam(), 1, 2);
        saved.StateCounters[0].Value = steps;
        var bytes = Save(saved);
        Assert.Equal(type, (string?)Header(bytes)["optimizer.state.p.step"]!["dtype"]);
        using var loaded = Bind(new Adam(), 0, 0);
        TorchState.Load(loaded, new MemoryStream(bytes));
        Assert.Equal(steps, loaded.ParameterSteps(0));
    }

    [Fact]
    public void Counts_that_no_floating_point_number_holds_are_refused()
    {
        using var saved = Bind(new Adam(), 1, 2);
        saved.StateCounters[0].Value = (1L << 53) + 1;
        Assert.Throws<NotSupportedException>(() => Save(saved));
    }

    [Fact]
    public void A_rate_that_a_scheduler_has_changed_is_compared_by_its_base()
    {
        var file = Edited(
            Save(Bind(new Adam(), 1, 2)),
            header =>
            {
                header["__metadata__"]!["optimizer.param_groups.p.lr"] = "0.0005";
                header["__metadata__"]!["optimizer.param_groups.p.initial_lr"] = "0.001";
                header["__metadata__"]!["optimizer.param_groups.p.foreach"] = "null";
            }
        );
        using var stepper = Bind(new Adam(), 0, 0);
        TorchState.Load(stepper, file);
        Assert.Equal([1, 2], stepper.Parameters[0].Slice(0, 2).ToArray());
    }

    [Fact]
    public void Every_difference_is_listed_and_nothing_has_changed()
    {
        using var saved = new Ranger { Period = 5 }.Bind([Parameter.Of("a", [1f, 2]), Parameter.Of("gone", [1f])]);
        saved.Step([
            [1, 2],
            null,
        ]);
        using var stepper = new Ranger().Bind([Parameter.Of("a", [1f, 2, 3]), Parameter.Of("b", [1f])]);
        var before = Save(stepper);

        var mismatch = Assert.Throws<CheckpointMismatchException>(() =>
            TorchState.Load(stepper, new MemoryStream(Save(saved)))
        );
        var lines = string.Join('\n', mismatch.Differences);
        Assert.Contains("parameter 'a': option k: 5 in the file, 6 given", lines, StringComparison.Ordinal);
        Assert.Contains("tensor 'model.a': shape [2] in the file, [3] given", lines, StringComparison.Ordinal);
        Assert.Contains(
            "tensor 'optimizer.state.a.slow_buffer': shape [2] in the file, [3] given",
            lines,
            StringComparison.Ordinal
        );
        Assert.Contains("tensor 'model.b': missing in the file", lines, StringComparison.Ordinal);
        Assert.Contains("parameter 'b': option eps: missing in the file, 1E-05 given", lines, StringComparison.Ordinal);
        Assert.Contains("tensor 'model.gone': in the file, but not of this stepper", lines, StringComparison.Ordinal);
        Assert.Contains(
            "'optimizer.param_groups.gone.lr': in the file, but not of this stepper",
            lines,
            StringComparison.Ordinal
        );
        Assert.Equal(before, Save(stepper));
    }

    [Fact]
    public void Options_may_differ_where_that_is_allowed()
    {
        using var stepper = Bind(new Adam { LearningRate = 0.5 }, 0, 0);
        var file = Save(Bind(new Adam(), 1, 2));
        Assert.Throws<CheckpointMismatchException>(() => TorchState.Load(stepper, new MemoryStream(file)));
        TorchState.Load(stepper, new MemoryStream(file), new() { AllowChangedOptions = true });
        Assert.Equal(0.5, stepper.Groups[0].LearningRate);
    }

    public static TheoryData<string, string> Damages() =>
        new()
        {
            { """{"__metadata__":{"optimizer":"SGD"}}""", "optimizer: SGD in the file, Adam given" },
            { "{}", "optimizer: none in the file, Adam given" },
            { "maximize", "parameter 'p': option maximize: true in the file, false given" },
            { "no step", "tensor 'optimizer.state.p.step': missing in the file" },
            { "no moment", "tensor 'optimizer.state.p.exp_avg': missing in the file" },
            { "step of type F16", "a count is one number of type" },
            { "float64 moments", "type F64 in the file, F32 given" },
        };

    [Theory]
    [MemberData(nameof(Damages))]
    public void What_does_not_fit_is_refused(string what, string difference)
    {
        using var saved = Bind(new Adam(), 1, 2);
        saved.Step([
            [1, 2],
        ]);
        var file = what switch
        {
            "maximize" => Edited(Save(saved), h => h["__metadata__"]!["optimizer.param_groups.p.maximize"] = "true"),
            "no step" => Edited(Save(saved), h => h.Remove("optimizer.state.p.step"), keepBytes: 24),
            "no moment" => Edited(Save(saved), h => Rename(h, "optimizer.state.p.exp_avg", "optimizer.state.p.other")),
            "step of type F16" => Edited(
                Save(saved),
                h =>
                    (h["optimizer.state.p.step"]!["dtype"], h["optimizer.state.p.step"]!["shape"]) = (
                        "F16",
                        new JsonArray(2)
                    )
            ),
            "float64 moments" => new MemoryStream(SaveDouble()),
            _ => new(Compose(what)),
        };
        using var stepper = Bind(new Adam(), 8, 9);
        var before = Save(stepper);
        var mismatch = Assert.Throws<CheckpointMismatchException>(() => TorchState.Load(stepper, file));
        Assert.Contains(difference, string.Join('\n', mismatch.Differences), StringComparison.Ordinal);
        Assert.Equal(before, Save(stepper));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("NaN")]
    [InlineData("1e30")]
    public void A_step_that_is_no_count_is_damage(string step)
    {
        using var saved = Bind(new Adam(), 1, 2);
        saved.Step([
            [1, 2],
        ]);
        var bytes = Save(saved);
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(bytes.Length - sizeof(float)), float.Parse(step));
        using var stepper = Bind(new Adam(), 8, 9);
        Assert.Throws<InvalidDataException>(() => TorchState.Load(stepper, new MemoryStream(bytes)));
        Assert.Equal([8, 9], stepper.Parameters[0].Slice(0, 2).ToArray());
    }

    [Theory]
    [InlineData("steps", "many")]
    [InlineData("steps", "-1")]
    [InlineData("optimizer.param_groups.p.lr", "{")]
    [InlineData("optimizer.param_groups.p.lr", "[[[1]]]")]
    public void Metadata_that_cannot_be_read_are_damage(string key, string value)
    {
        var file = Edited(Save(Bind(new Adam(), 1, 2)), header => header["__metadata__"]![key] = value);
        using var stepper = Bind(new Adam(), 8, 9);
        Assert.Throws<InvalidDataException>(() => TorchState.Load(stepper, file));
    }

    [Fact]
    public void Every_truncation_is_refused_and_nothing_has_changed()
    {
        using var saved = Bind(new Ranger(), 1, 2);
        saved.Step([
            [1, 2],
        ]);
        var bytes = Save(saved);
        using var stepper = Bind(new Ranger(), 8, 9);
        var before = Save(stepper);
        for (var length = 0; length < bytes.Length; length++)
        {
            using var seekable = new MemoryStream(bytes, 0, length);
            Assert.Throws<InvalidDataException>(() => TorchState.Load(stepper, seekable));
            using var oneWay = new OneWayStream(bytes[..length]);
            Assert.Throws<InvalidDataException>(() => TorchState.Load(stepper, oneWay));
        }

        Assert.Equal(before, Save(stepper));
    }

    [Fact]
    public void The_file_is_replaced_as_a_whole_and_may_hold_nothing_more()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("state.safetensors");
        using var stepper = Bind(new Ranger(), 1, 2);
        TorchState.Save(stepper, path);
        TorchState.Load(stepper, path);
        Assert.Equal("state.safetensors", directory.Names);
        File.AppendAllText(path, "x");
        Assert.Throws<InvalidDataException>(() => TorchState.Load(stepper, path));
    }

    public static TheoryData<string, string> Unsupported() =>
        new()
        {
            { "seed", "SeedRanger: PyTorch has no such optimizer" },
            { "nested", "a Lookahead around a Lookahead" },
            { "ranger", "a Lookahead around a Ranger" },
            { "counter", "the original Lookahead has one counter" },
            { "reset", "clears nothing but the momentum" },
            { "threshold", "Threshold 4; PyTorch's is 5" },
            { "skip", "PyTorch's RAdam takes the step" },
            { "average", "averages: an optimizer of PyTorch keeps none" },
            { "blend", "which the original Ranger ignores" },
            { "period", "the original has one for all groups" },
            { "surrogate", "half a surrogate pair" },
            { "synchronized", "the original Ranger knows no other" },
        };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public void What_PyTorch_has_no_place_for_is_refused(string what, string why)
    {
        using var stepper = what switch
        {
            "seed" => Bind(new SeedRanger(), 1, 2),
            "nested" => Bind(new Lookahead(new Lookahead(new Adam())), 1, 2),
            "ranger" => Bind(new Lookahead(new Ranger()), 1, 2),
            "counter" => Bind(new Lookahead(new Adam()) { Counter = SyncCounter.PerParameter }, 1, 2),
            "reset" => Bind(new Lookahead(new Adam()) { InnerState = InnerState.Reset }, 1, 2),
            "threshold" => Bind(new RAdam { Threshold = 4 }, 1, 2),
            "skip" => Bind(new RAdam { Unrectified = UnrectifiedStep.Skip }, 1, 2),
            "surrogate" => new Sgd().Bind([Parameter.Of("\ud800", [1f])]),
            "blend" => Grouped(new Ranger(), new Ranger { Blend = 0.1 }),
            "period" => Grouped(new Lookahead(new Sgd()), new Lookahead(new Sgd()) { Period = 7 }),
            _ => Bind(new Ranger(), 1, 2),
        };
        if (what is "average")
        {
            stepper.AddAverage(new ExponentialAverage());
        }
        else if (what is "synchronized")
        {
            stepper.Step([
                [1, 2],
            ]);
            stepper.Synchronize();
        }

        var refused = Assert.Throws<NotSupportedException>(() => Save(stepper));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);

        static Stepper<float> Grouped(Optimizer whole, Optimizer own) =>
            whole.Bind([
                new ParameterGroup<float>(Parameter.Of("a", [1f])),
                new ParameterGroup<float>(Parameter.Of("b", [1f])) { Optimizer = own },
            ]);
    }

    private static void RestoresEveryBit<T>(string name, Backend backend)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var saved = ExchangeCase.Bind<T>(name, backend);
        ExchangeCase.Run(name, saved, 1, ExchangeCase.Half);
        using var loaded = ExchangeCase.Bind<T>(name, backend);
        TorchState.Load(loaded, new MemoryStream(Save(saved)));
        Assert.Equal(Save(saved), Save(loaded));
        ExchangeCase.Run(name, saved, ExchangeCase.Half + 1, ExchangeCase.End);
        ExchangeCase.Run(name, loaded, ExchangeCase.Half + 1, ExchangeCase.End);
        Assert.Equal(Save(saved), Save(loaded));
    }

    private static Stepper<float> Bind(Optimizer recipe, params float[] values) =>
        recipe.Bind([Parameter.Of("p", values)]);

    private static byte[] SaveDouble()
    {
        using var stepper = new Adam().Bind([Parameter.Of("p", [1d, 2])]);
        return Save(stepper);
    }

    private static byte[] Save<T>(Stepper<T> stepper)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var stream = new MemoryStream();
        TorchState.Save(stepper, stream);
        return stream.ToArray();
    }

    private static JsonNode Header(byte[] file) =>
        JsonNode.Parse(file.AsSpan(sizeof(ulong), (int)BinaryPrimitives.ReadInt64LittleEndian(file)))!;

    private static byte[] Compose(string header, params ReadOnlySpan<byte> data)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var file = new byte[sizeof(ulong) + text.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, text.Length);
        text.CopyTo(file, sizeof(ulong));
        data.CopyTo(file.AsSpan(sizeof(ulong) + text.Length));
        return file;
    }

    /// <summary>The file with another header, and of its data the first bytes.</summary>
    private static MemoryStream Edited(byte[] file, Action<JsonObject> edit, int keepBytes = int.MaxValue)
    {
        var header = Header(file).AsObject();
        edit(header);
        var data = file.AsSpan(sizeof(ulong) + (int)BinaryPrimitives.ReadInt64LittleEndian(file));
        return new(Compose(header.ToJsonString(), data[..Math.Min(keepBytes, data.Length)]));
    }

    private static void Rename(JsonObject header, string from, string to)
    {
        header.Remove(from, out var value);
        header[to] = value;
    }
}
