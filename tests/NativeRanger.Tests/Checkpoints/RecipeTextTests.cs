using System.Reflection;
using System.Text;
using System.Text.Json;
using NativeRanger.Checkpoints;
using NativeRanger.Tests.Support;

namespace NativeRanger.Tests.Checkpoints;

public sealed class RecipeTextTests
{
    [Fact]
    public void Every_recipe_has_a_kind()
    {
        var recipes = typeof(Optimizer)
            .Assembly.GetTypes()
            .Where(t => !t.IsAbstract && t.IsAssignableTo(typeof(Optimizer)));
        Assert.Equal(
            recipes.OrderBy(t => t.Name, StringComparer.Ordinal),
            RecipeKind.All.Select(kind => kind.Type).OrderBy(t => t.Name, StringComparer.Ordinal)
        );
    }

    public static TheoryData<string> Kinds() => [.. RecipeKind.All.Select(kind => kind.Name)];

    /// <summary>An option that is added to a recipe and forgotten here would be lost in checkpoints.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_option_that_can_be_set_is_in_checkpoints(string name)
    {
        var kind = RecipeKind.Named(name)!;
        var settable = kind
            .Type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.SetMethod is { IsPublic: true })
            .Select(property =>
                JsonNamingPolicy
                    .SnakeCaseLower.ConvertName(property.Name)
                    .Replace("ams_grad", "amsgrad", StringComparison.Ordinal)
            )
            .Except(
                kind.Type == typeof(Lookahead) ? ["inner", "learning_rate", "non_finite"] : [],
                StringComparer.Ordinal
            );
        Assert.Equal(
            settable.Order(StringComparer.Ordinal),
            kind.Options.Select(o => o.Name).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Registry.Combinations), MemberType = typeof(Registry))]
    public void A_recipe_comes_back_equal(string optimizer, string transform, string wrapper)
    {
        var recipe = Registry.Recipe(optimizer, transform, wrapper);
        Assert.Equal(recipe, RoundTrip(RecipeText.Of(recipe)).ToOptimizer());
    }

    [Fact]
    public void Values_come_back_to_the_last_bit()
    {
        var recipe = new Adam
        {
            LearningRate = 0.1 + 0.2,
            Beta1 = Math.BitDecrement(1),
            Epsilon = double.Epsilon,
            WeightDecay = double.MaxValue,
            ClipNorm = 1.0 / 3,
        };
        Assert.Equal(recipe, RoundTrip(RecipeText.Of(recipe)).ToOptimizer());
    }

    [Fact]
    public void Changes_may_pass_through_combinations_that_contradict_each_other()
    {
        var nesterov = new Sgd { Momentum = 0.9, Nesterov = true };
        var dampened = new Sgd { Momentum = 0.9, Dampening = 0.5 };
        foreach (var (from, to) in new[] { (nesterov, dampened), (dampened, nesterov) })
        {
            var basis = RecipeText.Of(from);
            Assert.Equal(to, RoundTrip(RecipeText.Of(to), basis).ToOptimizer());
        }
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData("""[{"kind":"NativeRanger.Sgd, NativeRanger"}]""")]
    [InlineData("""[{}]""")]
    [InlineData("""[{"kind":"sgd"}]""")]
    [InlineData("""[{"kind":"lookahead","period":5,"blend":0.5,"inner_state":"keep","counter":"shared"}]""")]
    public void Fault_72_recipes_that_are_none(string json) =>
        Assert.Throws<InvalidDataException>(() => Read(json).ToOptimizer());

    [Theory]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":-1")]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":\"much\"")]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":1e999")]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":null")]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":[1]")]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":0.01,\"learning_rate\":0.01")]
    [InlineData("\"learning_rate\":0.01", "\"rate\":0.01")]
    [InlineData("\"learning_rate\":0.01", "\"learning_rate\":0.01,\"rate\":0.01")]
    [InlineData("\"non_finite\":\"propagate\"", "\"non_finite\":\"ignore\"")]
    [InlineData("\"nesterov\":false", "\"nesterov\":true")]
    public void Options_that_cannot_be(string valid, string hostile)
    {
        var json = Encoding.UTF8.GetString(Write(RecipeText.Of(new Sgd())));
        Assert.Contains(valid, json, StringComparison.Ordinal);
        var list = json["{\"r\":".Length..^1].Replace(valid, hostile, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => Read(list).ToOptimizer());
    }

    private static RecipeText RoundTrip(RecipeText text, RecipeText? basis = null)
    {
        var json = Write(text, basis);
        return Read(Encoding.UTF8.GetString(json)["{\"r\":".Length..^1], basis);
    }

    private static RecipeText Read(string list, RecipeText? basis = null)
    {
        var cursor = new JsonCursor(Encoding.UTF8.GetBytes(list), "the recipe", depth: 2);
        return RecipeText.Read(ref cursor, basis);
    }

    private static byte[] Write(RecipeText text, RecipeText? basis = null)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            text.Write(json, "r", basis);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
