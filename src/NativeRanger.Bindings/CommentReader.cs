using System.Text;

namespace NativeRanger.Bindings;

/// <summary>Reads a comment from the header itself.</summary>
/// <remarks>
/// clang says to which declaration a comment belongs, but its own text of it is parsed as Doxygen: line breaks go, and
/// a backslash or a bracket becomes markup.
/// </remarks>
internal static class CommentReader
{
    /// <summary>The lines of the block comment whose text begins at an offset, without their decoration.</summary>
    /// <param name="source">The header's bytes.</param>
    /// <param name="offset">The offset in bytes of the comment's text, as clang gives it.</param>
    public static IReadOnlyList<string> Read(ReadOnlySpan<byte> source, int offset)
    {
        var begin = source[..offset].LastIndexOf("/*"u8);
        var length = begin < 0 ? -1 : source[(begin + 2)..].IndexOf("*/"u8);
        if (length < 0 || begin + 2 + length < offset)
        {
            var line = source[..offset].Count((byte)'\n') + 1;
            throw new BindingsException($"Line {line}: write the comment of a declaration as a block comment, /* */.");
        }

        var lines = Encoding
            .UTF8.GetString(source.Slice(begin + 2, length))
            .Split('\n')
            .Select((line, index) => index == 0 ? Undecorated(line) : Undecorated(WithoutStar(line)));
        return [.. lines.SkipWhile(line => line.Length == 0).Reverse().SkipWhile(line => line.Length == 0).Reverse()];
    }

    private static string WithoutStar(string line)
    {
        var text = line.TrimStart();
        return text.StartsWith('*') ? text[1..] : text;
    }

    // Indentation beyond the one space after the decoration is the author's, and stays.
    private static string Undecorated(string line)
    {
        var text = line.TrimEnd();
        return text.StartsWith(' ') ? text[1..] : text;
    }
}
