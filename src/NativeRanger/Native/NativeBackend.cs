using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>The native library on this processor.</summary>
public sealed unsafe class NativeBackend : Backend
{
    private readonly InstructionSet requested;

    private readonly int? threads;

    private NativeBackend(InstructionSet requested, int? threads)
    {
        this.requested = requested;
        this.threads = threads;
    }

    /// <inheritdoc cref="Backend.Native"/>
    public static NativeBackend Instance { get; } = new(InstructionSet.Auto, threads: null);

    /// <summary>
    /// The most threads that a step uses; by default the processors that this process may use, affinity and container limits
    /// respected. Small steps use fewer. The bits do not depend on it.
    /// </summary>
    public static int MaxDegreeOfParallelism
    {
        get;
        set => field = Require.AtLeastOne(value);
    } = Environment.ProcessorCount;

    /// <summary>The native library on one instruction set.</summary>
    /// <param name="instructionSet">The instruction set.</param>
    /// <param name="maxDegreeOfParallelism">The most threads of a step; <see cref="MaxDegreeOfParallelism"/> by default.</param>
    /// <exception cref="PlatformNotSupportedException">This library or processor does not have it.</exception>
    /// <exception cref="NativeLibraryException">The library cannot be used.</exception>
    public static NativeBackend On(InstructionSet instructionSet, int? maxDegreeOfParallelism = null)
    {
        Require.Defined(instructionSet);
        if (maxDegreeOfParallelism is { } threads)
        {
            Require.AtLeastOne(threads, nameof(maxDegreeOfParallelism));
        }

        if (instructionSet != InstructionSet.Auto && !Available.Contains(instructionSet))
        {
            throw new PlatformNotSupportedException(
                $"The instruction set {NameOf(instructionSet)} cannot run here; there are {string.Join(", ", Available.Select(NameOf))}."
            );
        }

        return new(instructionSet, maxDegreeOfParallelism);
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
    public override StepEngine<T> CreateEngine<T>(Optimizer optimizer) => new NativeEngine<T>(InstructionSet, threads);

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
