using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>The native library on this processor.</summary>
public sealed unsafe class NativeBackend : Backend
{
    private readonly InstructionSet requested;

    private NativeBackend(InstructionSet requested) => this.requested = requested;

    /// <inheritdoc cref="Backend.Native"/>
    public static NativeBackend Instance { get; } = new(InstructionSet.Auto);

    /// <summary>The native library on one instruction set.</summary>
    /// <param name="instructionSet">The instruction set.</param>
    /// <exception cref="PlatformNotSupportedException">This library or processor does not have it.</exception>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public static NativeBackend On(InstructionSet instructionSet)
    {
        Require.Defined(instructionSet);
        if (instructionSet != InstructionSet.Auto && !Available.Contains(instructionSet))
        {
            throw new PlatformNotSupportedException(
                $"The instruction set {NameOf(instructionSet)} cannot run here; there are {string.Join(", ", Available.Select(NameOf))}."
            );
        }

        return new(instructionSet);
    }

    /// <summary>The instruction sets that can run here, in ascending order of preference.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public static IReadOnlyList<InstructionSet> Available
    {
        get
        {
            NativeLibraryLoader.EnsureLoaded();
            return
            [
                .. Enum.GetValues<InstructionSet>()
                    .Where(i => i != InstructionSet.Auto && NativeMethods.nr_isa_available((int)i) == 1),
            ];
        }
    }

    /// <summary>The absolute path of the library.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public static string LibraryPath => NativeLibraryLoader.LibraryPath;

    /// <summary>The version of the library.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public static string LibraryVersion
    {
        get
        {
            NativeLibraryLoader.EnsureLoaded();
            return Text(NativeMethods.nr_version());
        }
    }

    /// <summary>How the library was compiled.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public static string BuildInfo
    {
        get
        {
            NativeLibraryLoader.EnsureLoaded();
            return Text(NativeMethods.nr_build_info());
        }
    }

    /// <summary>The version of the C contract that this assembly was compiled against.</summary>
    public static int ContractVersion => (int)nr_abi.NR_ABI_VERSION;

    /// <inheritdoc/>
    public override string Name => "native";

    /// <summary>The instruction set that runs.</summary>
    /// <exception cref="PlatformNotSupportedException">NATIVERANGER_ISA asks for one that is unknown or cannot run here.</exception>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public InstructionSet InstructionSet
    {
        get
        {
            if (requested != InstructionSet.Auto)
            {
                return requested;
            }

            NativeLibraryLoader.EnsureLoaded();
            var chosen = (InstructionSet)NativeMethods.nr_isa();
            return chosen != InstructionSet.Auto
                ? chosen
                : throw new PlatformNotSupportedException(
                    $"NATIVERANGER_ISA is '{Text(NativeMethods.nr_isa_forced())}', which is unknown or cannot run here; there are "
                        + $"{string.Join(", ", Available.Select(NameOf))}. Unset it to have the best one chosen."
                );
        }
    }

    /// <inheritdoc/>
    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) => new NativeEngine<T>(InstructionSet);

    /// <summary>The backend and what runs.</summary>
    public override string ToString() => $"native {NameOf(InstructionSet)}";

    /// <summary>The name that NATIVERANGER_ISA takes.</summary>
    /// <param name="instructionSet">The instruction set.</param>
    public static string NameOf(InstructionSet instructionSet)
    {
        NativeLibraryLoader.EnsureLoaded();
        return Text(NativeMethods.nr_isa_name((int)instructionSet));
    }

    private static string Text(sbyte* text) => text is null ? "" : new string(text);
}
