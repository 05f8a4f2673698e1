using NativeRanger.Numerics;

namespace NativeRanger.Cli;

/// <summary>A backend and what it is called in results.</summary>
/// <param name="Name">native, managed or cuda.</param>
/// <param name="InstructionSet">
/// The instruction set, in the spelling of NATIVERANGER_ISA; the device; "managed" where there is neither.
/// </param>
/// <param name="Backend">The backend.</param>
internal sealed record NamedBackend(string Name, string InstructionSet, Backend Backend)
{
    public bool IsManaged => Name is BackendChoice.Managed;

    /// <summary>As in "native avx2", or "managed".</summary>
    public override string ToString() => IsManaged ? Name : $"{Name} {InstructionSet}";
}

/// <summary>The one place where names on the command line become backends.</summary>
internal static class BackendChoice
{
    public const string Native = "native";
    public const string Managed = "managed";
    public const string Cuda = "cuda";
    public const string All = "all";

    /// <summary>The instruction sets that can be asked for by name.</summary>
    public static IEnumerable<InstructionSet> InstructionSets =>
        Enum.GetValues<InstructionSet>().Where(isa => isa != InstructionSet.Auto);

    /// <summary>The spelling of the command line and of NATIVERANGER_ISA.</summary>
    public static string Spelling(InstructionSet isa) => isa.ToString().ToLowerInvariant();

    /// <summary>The backend that trains: the native one on the best instruction set, the managed one, or the first GPU.</summary>
    public static NamedBackend Single(string name) =>
        name switch
        {
            Managed => ManagedBackend(),
            Cuda => CudaBackend(),
            _ => Best(),
        };

    /// <summary>The first GPU.</summary>
    /// <exception cref="UserErrorException">There is none that can be used.</exception>
    public static NamedBackend CudaBackend() =>
        Backend.TryCuda(0, out var gpu, out var reason)
            ? new(Cuda, gpu.DeviceName, gpu)
            : throw new UserErrorException($"--backend {Cuda}: {reason}");

    /// <summary>The managed reference.</summary>
    public static NamedBackend ManagedBackend()
    {
        MathNetProvider.Require();
        return new(Managed, Managed, Backend.Managed);
    }

    /// <summary>The native library on one instruction set, which must be available.</summary>
    public static NamedBackend On(InstructionSet isa) => new(Native, Spelling(isa), NativeBackend.On(isa));

    private static NamedBackend Best() =>
        new(Native, Spelling(NativeBackend.Instance.InstructionSet), NativeBackend.Instance);
}
