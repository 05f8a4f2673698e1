namespace NativeRanger.Cli.Plotting;

/// <summary>A line through points, in order; points that an axis cannot show interrupt it.</summary>
/// <param name="Name">Its name in the legend; lines of the same name look the same in every panel.</param>
/// <param name="Points">The points.</param>
/// <param name="Marked">Whether each point is marked.</param>
/// <param name="Look">How it is drawn; null for a look of its own among the lines of the figure.</param>
internal sealed record Series(
    string Name,
    IReadOnlyList<(double X, double Y)> Points,
    bool Marked = false,
    Look? Look = null
);

/// <summary>How something is drawn.</summary>
/// <param name="Colour">The colour, as in SVG.</param>
/// <param name="Width">The width of its lines, in pixels.</param>
internal sealed record Look(string Colour, double Width = 2);

/// <summary>An arrow from one place to another.</summary>
/// <param name="Name">What the legend says of all arrows of the name.</param>
/// <param name="From">Where it begins.</param>
/// <param name="To">Where its point is.</param>
/// <param name="Look">How it is drawn.</param>
internal sealed record Arrow(string Name, (double X, double Y) From, (double X, double Y) To, Look Look);

/// <summary>The shapes of marks.</summary>
internal enum MarkShape
{
    Circle,
    Square,
    Star,
}

/// <summary>A place that is marked.</summary>
/// <param name="Name">What the legend says of all marks of the name.</param>
/// <param name="At">The place.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Look">How it is drawn.</param>
internal sealed record Mark(string Name, (double X, double Y) At, MarkShape Shape, Look Look);

/// <summary>An axis: what is on it, with its unit, and how.</summary>
internal sealed record Axis(string Label, Scale Scale);

/// <summary>One plot.</summary>
/// <param name="Title">The title; empty for none.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
/// <param name="Lines">The lines; one without a name is not in the legend.</param>
internal sealed record Panel(string Title, Axis X, Axis Y, IReadOnlyList<Series> Lines)
{
    /// <summary>Arrows, above the lines.</summary>
    public IReadOnlyList<Arrow> Arrows { get; init; } = [];

    /// <summary>Marks, above everything.</summary>
    public IReadOnlyList<Mark> Marks { get; init; } = [];
}

/// <summary>Plots side by side, with one legend for all.</summary>
/// <param name="Title">The title.</param>
/// <param name="Subtitle">A second, smaller line; empty for none.</param>
/// <param name="Panels">The plots.</param>
internal sealed record Figure(string Title, string Subtitle, IReadOnlyList<Panel> Panels)
{
    /// <summary>The width and height of each plot, in pixels.</summary>
    public (double Width, double Height) PlotSize { get; init; } = (460, 320);

    /// <summary>Writes the figure as a scalable vector graphic.</summary>
    public void Save(string path) => SvgRenderer.Render(this).Save(path);
}
