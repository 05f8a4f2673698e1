using NativeRanger.Cli.Functions;
using NativeRanger.Cli.Plotting;

namespace NativeRanger.Cli.Trajectories;

/// <summary>Draws a <see cref="Trajectory"/> over the contour lines of its function.</summary>
internal static class TrajectoryFigure
{
    public const string FastName = "fast weights";
    public const string SlowName = "slow weights";
    public const string PlainName = "sync: direction of the plain optimizer";
    public const string LookaheadName = "sync: direction of Lookahead";

    private const int Levels = 14;
    private const int Columns = 240;
    private const int Rows = 200;
    private const double Margin = 0.12;

    // Parts of the picture. Shorter arrows would hide what they start from.
    private const double ShortestArrow = 0.06;
    private const double DirectionLength = 0.13;

    private static readonly Look fast = new("#1f6feb", 1.75);
    private static readonly Look slow = new("#8250df", 3);
    private static readonly Look plain = new("#cf222e", 2);
    private static readonly Look lookahead = new("#000000", 2);
    private static readonly Look start = new("#1a7f37");
    private static readonly Look end = new("#8250df");
    private static readonly Look minimum = new("#e3a008");

    /// <summary>The figure.</summary>
    /// <param name="problem">The function.</param>
    /// <param name="title">What took which way.</param>
    /// <param name="trajectory">The way.</param>
    public static Figure Of(Problem problem, string title, Trajectory trajectory)
    {
        var minimizers = problem.Minimizers.Select(Point.Of).ToArray();
        var shown = trajectory.Fast.Concat(trajectory.Slow).Concat(minimizers.Length == 1 ? minimizers : []).ToArray();
        var (x, y) = (Around(shown.Select(p => p.X)), Around(shown.Select(p => p.Y)));
        var arrows = trajectory.Syncs.Where(sync => Length(sync.From, sync.To, x, y) > ShortestArrow).ToArray();
        var directions = arrows.Select(sync => Direction(sync, x, y)).ToArray();
        (x, y) = (x.With(directions.Select(d => d.X)), y.With(directions.Select(d => d.Y)));
        return new(
            title,
            FormattableString.Invariant(
                $"{trajectory.Fast.Count - 1 - trajectory.Syncs.Count} steps, {trajectory.Syncs.Count} syncs; f = {trajectory.Value:0.0e+0} at the end; red arrows show directions only"
            ),
            [
                new(
                    "",
                    new("x₁", Scale.Between(x.Start, x.End)),
                    new("x₂", Scale.Between(y.Start, y.End)),
                    [
                        .. Contours(problem, x, y),
                        new(FastName, [.. trajectory.Fast.Select(Place)], Look: fast),
                        new(SlowName, [.. trajectory.Slow.Select(Place)], Marked: true, slow),
                    ]
                )
                {
                    Arrows =
                    [
                        .. arrows.Zip(directions, (s, d) => new Arrow(PlainName, Place(s.From), Place(d), plain)),
                        .. arrows.Select(s => new Arrow(LookaheadName, Place(s.From), Place(s.To), lookahead)),
                    ],
                    Marks =
                    [
                        new("start", Place(trajectory.Fast[0]), MarkShape.Circle, start),
                        new("end", Place(trajectory.End), MarkShape.Square, end),
                        .. minimizers.Select(m => new Mark("minimum", Place(m), MarkShape.Star, minimum)),
                    ],
                },
            ]
        )
        {
            PlotSize = (560, 440),
        };
    }

    /// <summary>Lines at values whose square roots are evenly spaced: even the ground of a valley has some.</summary>
    private static IEnumerable<Series> Contours(Problem problem, Interval x, Interval y)
    {
        var objective = problem.CreateObjective();
        var (point, gradient) = (new double[2], new double[2]);
        var lines = ContourLines.Sample(
            (a, b) =>
            {
                (point[0], point[1]) = (a, b);
                return objective(point, gradient) - problem.Minimum;
            },
            x.Divided(Columns),
            y.Divided(Rows)
        );
        var highest = Math.Sqrt(lines.Highest);
        for (var i = 1; i <= Levels; i++)
        {
            var root = highest * Math.Pow((double)i / (Levels + 1), 2);
            var shade = 225 - (int)(75 * (1 - ((double)i / Levels)));
            yield return new("", lines.At(root * root), Look: new($"#{shade - 12:x2}{shade - 4:x2}{shade + 6:x2}", 1));
        }
    }

    /// <summary>A point in the direction that the plain optimizer goes on in, from where the sync begins.</summary>
    private static Point Direction(Sync sync, Interval x, Interval y)
    {
        var length = Length(sync.From, sync.Plain, x, y);
        var factor = length > 0 ? DirectionLength / length : 0;
        return new(
            sync.From.X + (factor * (sync.Plain.X - sync.From.X)),
            sync.From.Y + (factor * (sync.Plain.Y - sync.From.Y))
        );
    }

    /// <summary>A distance as a part of the picture.</summary>
    private static double Length(Point a, Point b, Interval x, Interval y) =>
        Math.Sqrt(Math.Pow((a.X - b.X) / x.Length, 2) + Math.Pow((a.Y - b.Y) / y.Length, 2));

    private static Interval Around(IEnumerable<double> values)
    {
        var all = values.ToArray();
        var (smallest, largest) = (all.Min(), all.Max());
        var margin = Margin * Math.Max(largest - smallest, 1e-3);
        return new(smallest - margin, largest + margin);
    }

    private static (double X, double Y) Place(Point point) => (point.X, point.Y);

    private readonly record struct Interval(double Start, double End)
    {
        public double Length => End - Start;

        public Interval With(IEnumerable<double> values)
        {
            var all = values.ToArray();
            return new(all.Append(Start).Min(), all.Append(End).Max());
        }

        public double[] Divided(int parts)
        {
            var (start, length) = (Start, Length);
            return [.. Enumerable.Range(0, parts + 1).Select(i => start + (length * i / parts))];
        }
    }
}
