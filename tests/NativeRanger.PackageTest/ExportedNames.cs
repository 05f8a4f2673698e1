using System.Buffers.Binary;
using System.Text;

namespace NativeRanger.PackageTest;

/// <summary>Reads which names a shared library exports, whatever machine it is for.</summary>
internal static class ExportedNames
{
    /// <summary>The exported names of an ELF or PE file, in order.</summary>
    public static IReadOnlyList<string> Of(byte[] file) =>
        [
            .. (file.AsSpan().StartsWith("\u007fELF"u8) ? OfElf(file) : OfPortableExecutable(file)).Order(
                StringComparer.Ordinal
            ),
        ];

    private static List<string> OfElf(byte[] file)
    {
        const int DynamicSymbols = 11;
        const int SymbolSize = 24;
        const int LocalBinding = 0;
        var names = new List<string>();
        var sections = U64(file, 0x28);
        var sectionSize = U16(file, 0x3a);
        for (var i = 0; i < U16(file, 0x3c); i++)
        {
            var section = sections + (i * sectionSize);
            if (U32(file, section + 4) != DynamicSymbols)
            {
                continue;
            }

            var strings = U64(file, sections + (U32(file, section + 0x28) * sectionSize) + 0x18);
            var start = U64(file, section + 0x18);
            for (var symbol = start; symbol < start + U64(file, section + 0x20); symbol += SymbolSize)
            {
                // A symbol without a section is imported, and a local one is not seen outside.
                if (U16(file, symbol + 6) != 0 && file[symbol + 4] >> 4 != LocalBinding)
                {
                    names.Add(Text(file, strings + U32(file, symbol)));
                }
            }
        }

        return names;
    }

    private static List<string> OfPortableExecutable(byte[] file)
    {
        const int SectionSize = 40;
        var header = U32(file, 0x3c);
        var optional = header + 24;
        var sections = optional + U16(file, header + 20);
        var count = U16(file, header + 6);
        var exports = Position(U32(file, optional + 112));
        var names = Position(U32(file, exports + 32));
        return
        [
            .. Enumerable
                .Range(0, U32(file, exports + 24))
                .Select(i => Text(file, Position(U32(file, names + (4 * i))))),
        ];

        // Where an address of the loaded image lies in the file.
        int Position(int address)
        {
            for (var i = 0; i < count; i++)
            {
                var section = sections + (i * SectionSize);
                var offset = address - U32(file, section + 12);
                if (offset >= 0 && offset < U32(file, section + 16))
                {
                    return U32(file, section + 20) + offset;
                }
            }

            throw new InvalidDataException($"No section holds the address {address:x}.");
        }
    }

    private static int U16(byte[] file, int at) => BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at));

    private static int U32(byte[] file, int at) =>
        checked((int)BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)));

    private static int U64(byte[] file, int at) =>
        checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at)));

    private static string Text(byte[] file, int at) =>
        Encoding.ASCII.GetString(file, at, Array.IndexOf(file, (byte)0, at) - at);
}
