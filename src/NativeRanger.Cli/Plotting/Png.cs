using System.Diagnostics;

namespace NativeRanger.Cli.Plotting;

/// <summary>Turns a vector graphic into pixels by the program rsvg-convert, where it is installed.</summary>
internal static class Png
{
    private const string Converter = "rsvg-convert";
    private const string Zoom = "2";

    /// <summary>Writes the PNG of an SVG file; false where there is no converter.</summary>
    /// <exception cref="IOException">The converter failed.</exception>
    public static bool TryConvert(string svg, string png)
    {
        if (Find() is not { } program)
        {
            return false;
        }

        using var process = Process.Start(
            new ProcessStartInfo(program, ["--zoom", Zoom, "--output", png, svg])
            {
                RedirectStandardError = true,
                UseShellExecute = false,
            }
        )!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? true : throw new IOException($"{Converter} failed: {error.Trim()}");
    }

    private static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, Converter))
            .FirstOrDefault(File.Exists);
}
