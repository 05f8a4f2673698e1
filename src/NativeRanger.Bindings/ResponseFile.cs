namespace NativeRanger.Bindings;

/// <summary>What to generate: the options that the response file of a header gives to ClangSharpPInvokeGenerator.</summary>
/// <param name="Header">--file: the C header, relative to the root of the repository.</param>
/// <param name="Output">--output: the C# file to write, relative to the root of the repository.</param>
/// <param name="Namespace">--namespace: the namespace of everything.</param>
/// <param name="ClassName">--methodClassName: the class that holds the functions.</param>
/// <param name="Library">--libraryPath: the library that exports the functions.</param>
internal sealed record ResponseFile(string Header, string Output, string Namespace, string ClassName, string Library)
{
    /// <summary>Reads a response file: one argument per line, comments begin with #.</summary>
    /// <exception cref="BindingsException">There is no such file, or an option is missing.</exception>
    public static ResponseFile Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new BindingsException($"There is no response file {path}.");
        }

        string[] arguments = [.. File.ReadLines(path).Where(line => line is [not '#', ..])];
        return new ResponseFile(
            ValueOf("--file"),
            ValueOf("--output"),
            ValueOf("--namespace"),
            ValueOf("--methodClassName"),
            ValueOf("--libraryPath")
        );

        string ValueOf(string option)
        {
            var index = Array.IndexOf(arguments, option);
            return index >= 0 && index + 1 < arguments.Length
                ? arguments[index + 1]
                : throw new BindingsException($"{path}: {option} is missing.");
        }
    }
}
