using System.Text;
using System.Text.Json.Nodes;
using NativeRanger.Cli.Verification;

namespace NativeRanger.Tests.Cli;

/// <summary>The built-in traces by name, and changed copies of them.</summary>
internal static class Traces
{
    public static TraceFile File(string name) =>
        TraceFile.BuiltIn().Single(file => string.Equals(file.Name, name, StringComparison.Ordinal));

    /// <summary>The JSON of a built-in trace, to change.</summary>
    public static JsonNode Json(string name)
    {
        using var stream = File(name).Open();
        using var text = new System.IO.Compression.GZipStream(stream, System.IO.Compression.CompressionMode.Decompress);
        return JsonNode.Parse(text)!;
    }

    public static TraceFile Of(JsonNode json) => Of(json.ToJsonString());

    public static TraceFile Of(string text) => new("changed", () => new MemoryStream(Encoding.UTF8.GetBytes(text)));
}
