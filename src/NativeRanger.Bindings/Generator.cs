using System.Text;

namespace NativeRanger.Bindings;

/// <summary>Header in, C# out: parse with clang, build the model, write.</summary>
internal static class Generator
{
    /// <summary>The text of the C# file for a header.</summary>
    /// <param name="options">Which header, and what its bindings are called.</param>
    /// <param name="root">The folder that the paths in the options start from.</param>
    /// <exception cref="BindingsException">clang is missing, or the header has no bindings.</exception>
    public static string Generate(ResponseFile options, string root)
    {
        var path = Path.Combine(root, options.Header);
        if (!File.Exists(path))
        {
            throw new BindingsException($"There is no header {path}.");
        }

        using var ast = Clang.DumpAst(path, Clang.Compilers);
        return CSharpWriter.Write(HeaderReader.Read(ast.RootElement, File.ReadAllBytes(path)), options);
    }

    /// <summary>Writes the C# file for a header.</summary>
    public static void Write(ResponseFile options, string root) =>
        File.WriteAllText(Path.Combine(root, options.Output), Generate(options, root), new UTF8Encoding(false));
}
