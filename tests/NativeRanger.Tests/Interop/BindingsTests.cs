using System.Text.RegularExpressions;
using NativeRanger.Bindings;

namespace NativeRanger.Tests.Interop;

/// <summary>The committed bindings against the headers that they stand for.</summary>
public sealed partial class BindingsTests
{
    public static TheoryData<string> ResponseFiles => Headers.ResponseFiles;

    [Fact]
    public void Every_header_has_a_response_file()
    {
        string folder = Path.Combine(Headers.Root, "native", "include");

        Assert.All(
            Directory.GetFiles(folder, "*.h"),
            header => Assert.True(File.Exists(Path.ChangeExtension(header, ".rsp")), $"{header} has no .rsp beside it.")
        );
    }

    [Theory]
    [MemberData(nameof(ResponseFiles))]
    public void The_committed_bindings_are_what_the_generator_writes(string responseFile)
    {
        var options = Headers.Options(responseFile);

        string generated = Generator.Generate(options, Headers.Root);

        Assert.True(
            File.ReadAllText(Path.Combine(Headers.Root, options.Output)).Equals(generated, StringComparison.Ordinal),
            $"{options.Output} is not what {options.Header} says. Run ./build.sh --target=Bindings and commit the result."
        );
    }

    [Theory]
    [MemberData(nameof(ResponseFiles))]
    public void Every_exported_function_of_the_header_is_bound_and_no_other(string responseFile)
    {
        var options = Headers.Options(responseFile);
        string header = File.ReadAllText(Path.Combine(Headers.Root, options.Header));

        var declared = Declaration().Matches(header).Select(match => match.Groups["name"].Value);

        Assert.Equal(declared.Order(StringComparer.Ordinal), Headers.Functions(options).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(
        @"^NR_API\s[^;(]*?(?<name>\w+)\(",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Declaration();
}
