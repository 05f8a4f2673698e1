using NativeRanger.Cli.Verification;

namespace NativeRanger.Tests.Cli;

/// <summary>Gradients that are evaluated from their written definition.</summary>
public sealed class GradientFormulaTests
{
    [Fact]
    public void Named_coordinates_are_the_elements_of_the_parameter()
    {
        var gradient = Evaluate(
            "f(x,y) = (1-x)^2 + 100 (y-x^2)^2; d = y - x*x; gx = -2*(1-x) - 400*x*d; gy = 200*d",
            [-1.5, 2]
        );

        Assert.Equal([-155, -50], gradient);
    }

    [Fact]
    public void A_definition_per_element_knows_the_element_and_its_index()
    {
        var gradient = Evaluate(
            "f = sum_j 0.5*c_j*(p_j-s_j)^2 per parameter, j = 0-based row-major index; c_j = 1 + (j mod 7); s_j = (j mod 5) - 2; g_j = c_j*(p_j-s_j)",
            [0, 0, 0, 0, 0, 0, 0, 1]
        );

        Assert.Equal([2, 2, 0, -4, -10, 12, 7, 1], gradient);
    }

    [Theory]
    [InlineData("g_j = 2 + 3 * 4", 14)]
    [InlineData("g_j = 2 - 3 - 4", -5)]
    [InlineData("g_j = 24 / 4 / 2", 3)]
    [InlineData("g_j = -2^2", -4)]
    [InlineData("g_j = 2^3^2", 512)]
    [InlineData("g_j = 2 (3 + 1)", 8)]
    [InlineData("g_j = 3 p_j^2", 75)]
    [InlineData("g_j = 2*-p_j", -10)]
    [InlineData("g_j = -7 mod 5", 3)]
    [InlineData("model = 2; g_j = model*p_j", 10)]
    public void Expressions_bind_as_in_mathematics(string definition, double expected) =>
        Assert.Equal([expected], Evaluate(definition, [5]));

    [Theory]
    [InlineData("g_j = 2 +")]
    [InlineData("g_j = (2")]
    [InlineData("g_j = 2 ? 3")]
    [InlineData("g_j = q")]
    [InlineData("g_j = 2^0.5")]
    [InlineData("h = 1")]
    [InlineData("the usual one")]
    public void What_cannot_be_evaluated_is_not_guessed(string definition) =>
        Assert.Throws<UnsupportedTraceException>(() => Evaluate(definition, [5]));

    [Fact]
    public void Every_operation_is_rounded_to_the_type()
    {
        var gradient = new float[1];
        new GradientFormula<float>(new("f", "g_j = (p_j + 16777216) - 16777216")).Evaluate([1f], gradient);

        Assert.Equal(0, gradient[0]);
    }

    private static double[] Evaluate(string definition, double[] parameter)
    {
        var gradient = new double[parameter.Length];
        new GradientFormula<double>(new("f", definition)).Evaluate(parameter, gradient);
        return gradient;
    }
}
