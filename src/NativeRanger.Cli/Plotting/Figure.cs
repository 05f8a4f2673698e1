namespace NativeRanger.Cli.Plotting;

/// <summary>A line through points, in order; points that an axis cannot show interrupt it.</summary>
/// <param name="Name">Its name in the legend; lines of the same name look the same in every panel.</param>
/// <param name="Points">The points.</param>
/// <param name="Marked">Whether each point is marked.</param>
internal sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points, bool Marked = false);

/// <summary>An axis: what is on it, with its unit, and how.</summary>
internal sealed record Axis(string Label, Scale Scale);

/// <summary>One plot.</summary>
/// <param name="Title">The title; empty for none.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
/// <param name="Lines">The lines.</param>
internal sealed record Panel(string Title, Axis X, Axis Y, IReadOnlyList<Series> Lines);

/// <summary>Plots side by side, with one legend for all.</summary>
/// <param name="Title">The title.</param>
/// <param name="Subtitle">A second, smaller line; empty for none.</param>
/// <param name="Panels">The plots.</param>
internal sealed record Figure(string Title, string Subtitle, IReadOnlyList<Panel> Panels)
{
    /// <summary>Writes the figure as a scalable vector graphic.</summary>
    public void Save(string path) => SvgRenderer.Render(this).Save(path);
}
