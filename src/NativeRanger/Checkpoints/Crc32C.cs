using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace NativeRanger.Checkpoints;

/// <summary>CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), by the processor's instruction where it has one.</summary>
internal struct Crc32C
{
    private static readonly uint[] Table = CreateTable();

    private uint register;

    public Crc32C() => register = uint.MaxValue;

    /// <summary>The checksum of the bytes so far.</summary>
    public readonly uint Value => ~register;

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = new Crc32C();
        crc.Append(bytes);
        return crc.Value;
    }

    public void Append(ReadOnlySpan<byte> bytes) =>
        register =
            Sse42.X64.IsSupported ? ByX64(register, bytes)
            : Arm.Crc32.Arm64.IsSupported ? ByArm64(register, bytes)
            : ByTable(register, bytes);

    internal static uint ByTable(uint register, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            register = Table[(byte)(register ^ value)] ^ (register >> 8);
        }

        return register;
    }

    private static uint ByX64(uint register, ReadOnlySpan<byte> bytes)
    {
        var wide = (ulong)register;
        while (bytes.Length >= sizeof(ulong))
        {
            wide = Sse42.X64.Crc32(wide, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        register = (uint)wide;
        foreach (var value in bytes)
        {
            register = Sse42.Crc32(register, value);
        }

        return register;
    }

    private static uint ByArm64(uint register, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            register = Arm.Crc32.Arm64.ComputeCrc32C(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (var value in bytes)
        {
            register = Arm.Crc32.ComputeCrc32C(register, value);
        }

        return register;
    }

    private static uint[] CreateTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var remainder = i;
            for (var bit = 0; bit < 8; bit++)
            {
                remainder = (remainder & 1) != 0 ? (remainder >> 1) ^ 0x82F63B78 : remainder >> 1;
            }

            table[i] = remainder;
        }

        return table;
    }
}
