using System.Text;

namespace NativeRanger.Bindings;

/// <summary>Header in, C# out: parse with clang, build the model, write.</summary>
internal static class Generator
{
    /// <summary>The text of the C# file for a header.</summary>
    /// <param name="headerPath">The C header.</param>
    /// <param name="library">The library that exports its functions.</param>
    /// <param name="className">The class that holds its functions.</param>
    public static string Generate(string headerPath, string library, string className)
    {
        if (!File.Exists(headerPath))
        {
            throw new BindingsException($"There is no header {headerPath}.");
        }

        using var ast = Clang.DumpAst(headerPath, Clang.Compilers);
        var header = HeaderReader.Read(ast.RootElement, File.ReadAllBytes(headerPath), Path.GetFileName(headerPath));
        return CSharpWriter.Write(header, library, className);
    }

    /// <summary>Writes the C# file for a header.</summary>
    public static void Write(string headerPath, string outputPath, string library, string className) =>
        File.WriteAllText(outputPath, Generate(headerPath, library, className), new UTF8Encoding(false));
}
