using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace NativeRanger.Bindings;

/// <summary>Runs clang for the syntax tree of a header.</summary>
internal static class Clang
{
    /// <summary>The names clang is installed under, tried in this order.</summary>
    public static IReadOnlyList<string> Compilers { get; } = ["clang-14", "clang"];

    /// <summary>The JSON syntax tree of a header and everything that it includes.</summary>
    /// <param name="headerPath">The C header.</param>
    /// <param name="compilers">Names or paths of clang, of which the first that starts is used.</param>
    /// <exception cref="BindingsException">No clang starts, or it finds errors in the header.</exception>
    public static JsonDocument DumpAst(string headerPath, IReadOnlyList<string> compilers)
    {
        // By default clang attaches only documentation comments (/** */); the headers use plain ones.
        string[] arguments =
        [
            "-fsyntax-only",
            "-x",
            "c",
            "-std=c11",
            "-fparse-all-comments",
            "-Xclang",
            "-ast-dump=json",
            headerPath,
        ];

        using var clang = Start(compilers, arguments);
        var errors = clang.StandardError.ReadToEndAsync();
        var json = clang.StandardOutput.ReadToEnd();
        clang.WaitForExit();
        if (clang.ExitCode != 0)
        {
            throw new BindingsException($"clang cannot read {headerPath}:\n{errors.GetAwaiter().GetResult()}");
        }

        // Every declarator, statement and comment nests: the default depth of 64 is not far away.
        return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1024 });
    }

    private static Process Start(IReadOnlyList<string> compilers, string[] arguments)
    {
        foreach (var compiler in compilers)
        {
            var start = new ProcessStartInfo(compiler, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            try
            {
                return Process.Start(start)!;
            }
            catch (Win32Exception)
            {
                // Not installed under this name: try the next one.
            }
        }

        throw new BindingsException(
            $"The bindings generator needs clang, and finds none of {string.Join(", ", compilers)}. "
                + "Install the package clang-14 (apt-get install clang-14), or clang of another version."
        );
    }
}
