using System.Globalization;
using System.Xml.Linq;
using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Plotting;
using NativeRanger.Cli.Trajectories;

namespace NativeRanger.Tests.Cli;

/// <summary>Trajectories are those of the optimizers, and pictures show them: what was drawn is read back.</summary>
public sealed class TrajectoryTests
{
    private const string Blue = "#1f6feb";
    private const string Purple = "#8250df";
    private const string Red = "#cf222e";
    private const string Black = "#000000";

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";
    private static readonly Problem booth = FewVariables.Booth;

    private static readonly Lookahead recipe = new(new Sgd { LearningRate = 0.02, Momentum = 0.9 })
    {
        Period = 4,
        Blend = 0.5,
    };

    [Fact]
    public void The_way_is_that_of_the_optimizer_bit_for_bit()
    {
        var trajectory = Trajectory.Follow(booth, recipe, steps: 22);

        var (x, gradient) = (new[] { -5.0, 5 }, new double[2]);
        var objective = booth.CreateObjective();
        using var stepper = recipe.Bind(x);
        for (var t = 0; t < 22; t++)
        {
            objective(x, gradient);
            stepper.Step(gradient);
        }

        Assert.Equal(Point.Of(x), trajectory.End);
        Assert.Equal(objective(x, gradient), trajectory.Value);
        Assert.Equal(5, trajectory.Syncs.Count);
        Assert.Equal(6, trajectory.Slow.Count);
        // The start, each step, and at a sync also where it leads to.
        Assert.Equal(1 + 22 + 5, trajectory.Fast.Count);
    }

    [Fact]
    public void A_sync_leads_half_the_way_back_and_the_plain_optimizer_on()
    {
        var trajectory = Trajectory.Follow(booth, recipe, steps: 40);
        foreach (var (sync, before) in trajectory.Syncs.Zip(trajectory.Slow))
        {
            // φ + (θ - φ)/2 of numbers below 10.
            Assert.Equal((before.X + sync.From.X) / 2, sync.To.X, 1e-14);
            Assert.Equal((before.Y + sync.From.Y) / 2, sync.To.Y, 1e-14);
        }

        // Until the first sync, and one step beyond, the plain optimizer goes the same way.
        var (x, gradient) = (new[] { -5.0, 5 }, new double[2]);
        var objective = booth.CreateObjective();
        using var plain = recipe.Inner.Bind(x);
        for (var t = 1; t <= 5; t++)
        {
            objective(x, gradient);
            plain.Step(gradient);
            Assert.Equal(Point.Of(x), t < 5 ? trajectory.Fast[t] : trajectory.Syncs[0].Plain);
        }

        Assert.Equal(trajectory.Fast[4], trajectory.Syncs[0].From);
    }

    [Fact]
    public void A_way_that_overflows_ends_there()
    {
        var trajectory = Trajectory.Follow(booth, recipe with { LearningRate = 1e200 }, steps: 40);

        Assert.True(trajectory.Fast.Count < 10);
    }

    [Fact]
    public void The_picture_shows_paths_arrows_and_marks()
    {
        var trajectory = Trajectory.Follow(booth, recipe, steps: 40);
        var root = SvgRenderer.Render(TrajectoryFigure.Of(booth, "title", trajectory)).Root!;
        // The first group with a clip path is the plot; the legend comes after it.
        var plot = root.Descendants(Svg + "g").Single(g => g.Attribute("clip-path") is not null);

        Assert.Equal(trajectory.Fast.Count, Path(plot, Blue).Length);
        var slow = Path(plot, Purple);
        Assert.Equal(trajectory.Slow.Count, slow.Length);

        // Every black arrow ends on the purple path, and a red one begins where it begins.
        var black = Arrows(plot, Black);
        var red = Arrows(plot, Red);
        Assert.NotEmpty(black);
        Assert.Equal(black.Select(a => a.From), red.Select(a => a.From));
        Assert.All(black, arrow => Assert.Contains(slow, p => Near(p, arrow.To)));

        Assert.True(Near(slow[0], Mark(plot, "start")));
        Assert.True(Near(slow[^1], Mark(plot, "end")));
        // 40 steps bring the end near the minimum, which lies within the plot.
        var minimum = Mark(plot, "minimum");
        Assert.InRange(minimum.X, 0, 560);
        Assert.InRange(minimum.Y, 0, 440);
        Assert.True(Math.Abs(minimum.X - slow[^1].X) + Math.Abs(minimum.Y - slow[^1].Y) < 20);

        string[] legend =
        [
            TrajectoryFigure.FastName,
            TrajectoryFigure.SlowName,
            TrajectoryFigure.PlainName,
            TrajectoryFigure.LookaheadName,
            "start",
            "end",
            "minimum",
        ];
        Assert.Equal(
            legend,
            root.Elements(Svg + "text").Select(t => t.Value).Where(text => Array.IndexOf(legend, text) >= 0),
            StringComparer.Ordinal
        );
        // More contour lines than paths.
        Assert.True(plot.Descendants(Svg + "polyline").Count() > 10);
    }

    [Fact]
    public void Contour_lines_lie_at_their_level()
    {
        double[] grid = [.. Enumerable.Range(-20, 41).Select(i => i / 10.0)];
        var circle = ContourLines.Sample((x, y) => (x * x) + (y * y), grid, grid).At(1);

        // One closed line. Between two neighbours x² is off its chord by h²/4 = 0.0025.
        var last = circle.Count - 1;
        Assert.Equal([last], Enumerable.Range(0, circle.Count).Where(i => double.IsNaN(circle[i].X)));
        Assert.Equal(circle[0], circle[last - 1]);
        Assert.All(circle.Take(last), p => Assert.Equal(1, (p.X * p.X) + (p.Y * p.Y), 0.0051));

        // A saddle: two open lines above and below its height, on one side or the other.
        foreach (var level in new[] { 0.005, -0.005 })
        {
            double[] around = [-0.15, -0.05, 0.05, 0.15];
            var saddle = ContourLines.Sample((x, y) => x * y, around, around).At(level);
            Assert.Equal(2, saddle.Count(p => double.IsNaN(p.X)));
            Assert.All(
                saddle.Where(p => !double.IsNaN(p.X)),
                p => Assert.Equal(Math.Sign(level), Math.Sign(p.X * p.Y))
            );
        }

        Assert.Empty(ContourLines.Sample((_, _) => 0, grid, grid).At(1));
    }

    [Fact]
    public void The_command_writes_pictures()
    {
        using var folder = new TemporaryFolder();
        var shell = Shell.Run("trajectory", "--function", "beale", "--optimizer", "ranger", "--output", folder.Path);

        Assert.Equal("", shell.Error);
        Assert.Equal(0, shell.ExitCode);
        var title = XDocument.Load(folder.File("trajectory.svg")).Root!.Element(Svg + "title")!.Value;
        Assert.StartsWith("Ranger on Beale: rate ", title, StringComparison.Ordinal);
        Assert.Contains("k = 6, α = 0.5", title, StringComparison.Ordinal);
        if (shell.Output.Contains("not installed", StringComparison.Ordinal))
        {
            Assert.False(File.Exists(folder.File("trajectory.png")));
        }
        else
        {
            // The signature of PNG.
            Assert.Equal([0x89, 0x50, 0x4e, 0x47], File.ReadAllBytes(folder.File("trajectory.png"))[..4]);
        }
    }

    private static bool Near((double X, double Y) a, (double X, double Y) b) =>
        // Places are rounded to hundredths of a pixel.
        Math.Abs(a.X - b.X) < 0.02
        && Math.Abs(a.Y - b.Y) < 0.02;

    private static (double X, double Y)[] Path(XElement plot, string colour) =>
        Points(
            plot.Descendants(Svg + "polyline")
                .Single(line => line.Attribute("stroke")!.Value.Equals(colour, StringComparison.Ordinal))
        );

    private static ((double X, double Y) From, (double X, double Y) To)[] Arrows(XElement plot, string colour) =>
        [
            .. plot.Descendants(Svg + "line")
                .Where(line => line.Attribute("stroke")!.Value.Equals(colour, StringComparison.Ordinal))
                .Select(line =>
                    ((Number(line, "x1"), Number(line, "y1")), Points(line.Parent!.Element(Svg + "polygon")!)[0])
                ),
        ];

    /// <summary>The middle of a mark.</summary>
    private static (double X, double Y) Mark(XElement plot, string name)
    {
        var shape = plot.Elements(Svg + "g")
            .Single(g => g.Element(Svg + "title")?.Value.Equals(name, StringComparison.Ordinal) == true)
            .Elements()
            .Last();
        if (shape.Name == Svg + "circle")
        {
            return (Number(shape, "cx"), Number(shape, "cy"));
        }

        var corners = Points(shape);
        return (corners.Average(c => c.X), corners.Average(c => c.Y));
    }

    private static (double X, double Y)[] Points(XElement shape) =>
        [
            .. shape
                .Attribute("points")!
                .Value.Split(' ')
                .Select(pair => pair.Split(','))
                .Select(pair => (Parse(pair[0]), Parse(pair[1]))),
        ];

    private static double Number(XElement element, string attribute) => Parse(element.Attribute(attribute)!.Value);

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
