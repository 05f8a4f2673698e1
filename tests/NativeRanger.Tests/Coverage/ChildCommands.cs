using System.Xml.Linq;
using NativeRanger.Tests.Coverage;
using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Support;

internal static partial class ChildCommands
{
    /// <summary>Prints what a report of coverage says, and fails where a line is neither reached nor explained.</summary>
    public static void JudgeCoverage(string report, string explanations)
    {
        var (text, isExplained) = UnreachedLines.Judge(
            CoverageReport.Read(XDocument.Load(report), Headers.Root),
            UnreachedLines.Parse(File.ReadLines(explanations)),
            path => File.ReadAllLines(Path.Combine(Headers.Root, path))
        );
        Console.Write(text);
        Environment.ExitCode = isExplained ? 0 : 1;
    }
}
