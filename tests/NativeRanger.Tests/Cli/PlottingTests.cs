using System.Xml.Linq;
using NativeRanger.Cli.Plotting;

namespace NativeRanger.Tests.Cli;

/// <summary>Scales put round numbers on axes; figures are SVG that can be read back.</summary>
public sealed class PlottingTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Theory]
    [InlineData(0, 20, "0 5 10 15 20")]
    [InlineData(0, 1, "0 0.2 0.4 0.6 0.8 1")]
    [InlineData(-0.3, 0.3, "-0.3 -0.2 -0.1 0 0.1 0.2 0.3")]
    [InlineData(3, 4200, "0 1,000 2,000 3,000 4,000 5,000")]
    [InlineData(7, 7, "7 7.2 7.4 7.6 7.8 8")]
    public void Linear_ticks_are_round_and_enclose_the_values(double smallest, double largest, string labels)
    {
        var scale = Scale.Linear(smallest, largest);

        Assert.Equal(labels.Split(' '), scale.Ticks.Select(tick => tick.Label), StringComparer.Ordinal);
        Assert.InRange(scale.Position(smallest), 0, 1);
        Assert.InRange(scale.Position(largest), 0, 1);
    }

    [Theory]
    [InlineData(2e-5, 3, "10⁻⁵ 10⁻⁴ 0.001 0.01 0.1 1")]
    [InlineData(0.2, 0.9, "0.1 0.2 0.5 1")]
    [InlineData(3e4, 5e6, "10⁴ 10⁵ 10⁶ 10⁷")]
    public void Logarithmic_ticks_are_decades_or_finer_where_there_are_few(
        double smallest,
        double largest,
        string labels
    )
    {
        var scale = Scale.Logarithmic(smallest, largest);

        Assert.Equal(
            labels.Split(' '),
            scale.Ticks.Select(tick => tick.Label).Where(label => label is not null),
            StringComparer.Ordinal
        );
        Assert.InRange(scale.Position(smallest), 0, 1);
        Assert.InRange(scale.Position(largest), 0, 1);
    }

    [Fact]
    public void A_logarithmic_axis_leaves_out_what_has_no_logarithm()
    {
        var scale = Scale.Logarithmic(0, -1, double.NaN, double.PositiveInfinity, 1, 10);

        Assert.False(scale.Shows(0));
        Assert.False(scale.Shows(double.NaN));
        Assert.False(scale.Shows(double.PositiveInfinity));
        Assert.Equal(0, scale.Position(1), 1e-12);
        Assert.Equal(1, scale.Position(10), 1e-12);
    }

    [Fact]
    public void A_line_is_interrupted_where_a_point_cannot_be_shown()
    {
        var root = Draw(new Series("a", [(0, 1), (1, 2), (2, double.NaN), (3, 4), (4, 0), (5, 6), (6, 7)]));

        // Two lines of two points; the lonely point between them is a mark.
        Assert.Equal(2, root.Descendants(Svg + "polyline").Count());
        Assert.Single(root.Descendants(Svg + "circle"));
    }

    [Fact]
    public void Names_are_escaped_and_stand_in_the_legend()
    {
        var root = Draw(new Series("f < g & \"h\"", [(0, 1), (1, 2)]));

        Assert.Contains(root.Descendants(Svg + "text"), text => text.Value is "f < g & \"h\"");
    }

    [Fact]
    public void Many_lines_stay_apart()
    {
        var lines = Enumerable.Range(0, 16).Select(i => new Series($"line {i}", [(0, 1 + i), (1, 2 + i)])).ToArray();

        var looks = Draw(lines)
            .Descendants(Svg + "polyline")
            .Select(line => (line.Attribute("stroke")!.Value, line.Attribute("stroke-dasharray")?.Value));

        Assert.Equal(16, looks.Distinct().Count());
    }

    [Fact]
    public void Everything_lies_within_the_picture()
    {
        var root = Draw(new Series("a", [(0, 0.001), (1, 1000)]));
        var (width, height) = ((double)root.Attribute("width")!, (double)root.Attribute("height")!);

        foreach (var text in root.Elements(Svg + "text"))
        {
            Assert.InRange((double)text.Attribute("x")!, 0, width);
            Assert.InRange((double)text.Attribute("y")!, 0, height);
        }
    }

    private static XElement Draw(params Series[] lines)
    {
        var points = lines.SelectMany(line => line.Points).ToArray();
        var panel = new Panel(
            "panel",
            new("x (units)", Scale.Linear(points.Select(p => p.X))),
            new("y (units)", Scale.Logarithmic(points.Select(p => p.Y))),
            lines
        );
        return SvgRenderer.Render(new("title", "subtitle", [panel])).Root!;
    }
}
