using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using NativeRanger.Cli;
using NativeRanger.Cli.Verification;

namespace NativeRanger.Tests.Cli;

/// <summary>Whatever stands in a file, verifying it gives verdicts and never an exception.</summary>
public sealed class DamagedTraceLaws
{
    private static readonly Verifier Managed = new([BackendChoice.ManagedBackend()]);

    [Theory]
    [InlineData("ranger_zero_size_and_scalar")]
    [InlineData("adam_param_groups_lr_change")]
    public void Any_value_of_a_trace_may_be_replaced_or_missing(string name)
    {
        var original = Traces.Json(name);
        var law = Prop.ForAll(
            Gen.Choose(0, int.MaxValue).ToArbitrary(),
            seed =>
            {
                var json = original.DeepClone();
                Damage(json, new Random(seed));
                return Managed.Verify(Traces.Of(json)).Count > 0;
            }
        );

        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(300).WithReplay(1, 1), law);
    }

    [Fact]
    public void A_file_may_end_anywhere()
    {
        var text = Traces.Json("ranger_zero_size_and_scalar").ToJsonString();

        for (var length = 0; length < text.Length; length += 97)
        {
            var check = Assert.Single(Managed.Verify(Traces.Of(text[..length])));
            Assert.Equal(Verdict.Failed, check.Verdict);
        }
    }

    /// <summary>Walks down to a random value and replaces or removes it.</summary>
    private static void Damage(JsonNode root, Random random)
    {
        var node = root;
        while (true)
        {
            var children = node switch
            {
                JsonObject table => table.Select(member => member.Value).ToArray(),
                JsonArray list => [.. list],
                _ => [],
            };
            if (children.Length == 0)
            {
                return;
            }

            var index = random.Next(children.Length);
            if (children[index] is JsonValue or null || random.Next(4) == 0)
            {
                Replace(node, index, random);
                return;
            }

            node = children[index]!;
        }
    }

    private static void Replace(JsonNode parent, int index, Random random)
    {
        JsonNode?[] values =
        [
            null,
            -1,
            0,
            1e300,
            "NaN",
            "text",
            true,
            new JsonArray(),
            new JsonObject(),
            new JsonArray(1, null),
        ];
        var value = values[random.Next(values.Length)];
        if (parent is JsonArray list)
        {
            list[index] = value;
            return;
        }

        var table = parent.AsObject();
        var key = table.ElementAt(index).Key;
        if (random.Next(3) == 0)
        {
            table.Remove(key);
        }
        else
        {
            table[key] = value;
        }
    }
}
