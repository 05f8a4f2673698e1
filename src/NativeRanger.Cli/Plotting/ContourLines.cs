namespace NativeRanger.Cli.Plotting;

/// <summary>Lines of equal value of a function on a grid, by marching squares.</summary>
internal sealed class ContourLines
{
    private readonly double[,] values;
    private readonly double[] xs;
    private readonly double[] ys;

    private ContourLines(double[,] values, double[] xs, double[] ys) =>
        (this.values, this.xs, this.ys) = (values, xs, ys);

    /// <summary>Samples a function.</summary>
    /// <param name="function">The function.</param>
    /// <param name="xs">The places of the columns, ascending.</param>
    /// <param name="ys">The places of the rows, ascending.</param>
    public static ContourLines Sample(Func<double, double, double> function, double[] xs, double[] ys)
    {
        var samples = new double[xs.Length, ys.Length];
        for (var i = 0; i < xs.Length; i++)
        {
            for (var j = 0; j < ys.Length; j++)
            {
                samples[i, j] = function(xs[i], ys[j]);
            }
        }

        return new(samples, xs, ys);
    }

    /// <summary>The highest finite sample.</summary>
    public double Highest => values.Cast<double>().Where(double.IsFinite).Max();

    /// <summary>The lines of a level, one after the other, separated by points that have no place.</summary>
    public IReadOnlyList<(double X, double Y)> At(double level)
    {
        var segments = Segments(level);
        var ends = new Dictionary<Edge, List<int>>();
        for (var i = 0; i < segments.Count; i++)
        {
            Add(segments[i].A, i);
            Add(segments[i].B, i);
        }

        var used = new bool[segments.Count];
        var points = new List<(double, double)>();
        // Open lines begin at an edge with one segment, which lies on the border; what is left then is closed.
        foreach (var onlyOpen in new[] { true, false })
        {
            for (var i = 0; i < segments.Count; i++)
            {
                var (a, b) = segments[i];
                if (!used[i] && (!onlyOpen || ends[a].Count == 1 || ends[b].Count == 1))
                {
                    Trace(i, ends[b].Count == 1 ? b : a);
                }
            }
        }

        return points;

        void Add(Edge edge, int segment)
        {
            if (!ends.TryGetValue(edge, out var list))
            {
                ends.Add(edge, list = []);
            }

            list.Add(segment);
        }

        void Trace(int segment, Edge from)
        {
            points.Add(Place(from, level));
            for (var next = segment; next >= 0; )
            {
                used[next] = true;
                from = segments[next].A == from ? segments[next].B : segments[next].A;
                points.Add(Place(from, level));
                next = ends[from].FindIndex(s => !used[s]) is >= 0 and var found ? ends[from][found] : -1;
            }

            points.Add((double.NaN, double.NaN));
        }
    }

    /// <summary>The pieces of the lines within each cell, from one of its edges to another.</summary>
    private List<(Edge A, Edge B)> Segments(double level)
    {
        var segments = new List<(Edge, Edge)>();
        for (var i = 0; i + 1 < xs.Length; i++)
        {
            for (var j = 0; j + 1 < ys.Length; j++)
            {
                double[] corners = [values[i, j], values[i + 1, j], values[i + 1, j + 1], values[i, j + 1]];
                Edge[] edges = [new(i, j, false), new(i + 1, j, true), new(i, j + 1, false), new(i, j, true)];
                var crossed = Enumerable
                    .Range(0, 4)
                    .Where(c => corners[c] < level != corners[(c + 1) % 4] < level)
                    .ToArray();
                if (!Array.TrueForAll(corners, double.IsFinite) || crossed.Length == 0)
                {
                    continue;
                }

                if (crossed.Length == 2)
                {
                    segments.Add((edges[crossed[0]], edges[crossed[1]]));
                    continue;
                }

                // A saddle: the value in the middle decides which corners hang together.
                var turn = corners.Average() < level == corners[0] < level ? 0 : 3;
                segments.Add((edges[turn], edges[(turn + 1) % 4]));
                segments.Add((edges[(turn + 2) % 4], edges[(turn + 3) % 4]));
            }
        }

        return segments;
    }

    /// <summary>Where a line crosses an edge, the values between its ends being taken as linear.</summary>
    private (double X, double Y) Place(Edge edge, double level)
    {
        var (i, j, vertical) = edge;
        var (k, l) = vertical ? (i, j + 1) : (i + 1, j);
        var part = (level - values[i, j]) / (values[k, l] - values[i, j]);
        return (xs[i] + (part * (xs[k] - xs[i])), ys[j] + (part * (ys[l] - ys[j])));
    }

    /// <summary>An edge of the grid: from its lower or left end to the right, or upwards.</summary>
    private readonly record struct Edge(int Column, int Row, bool Vertical);
}
