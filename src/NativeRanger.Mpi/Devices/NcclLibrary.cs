using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRanger.Mpi;

/// <summary>NCCL, opened at run time: what we use of it is declared here. (NVIDIA, NCCL user guide, API.)</summary>
internal sealed unsafe class NcclLibrary
{
    /// <summary>Names another library than libnccl.so.2: a path, or a name for the dynamic loader.</summary>
    public const string LibraryVariable = "NATIVERANGER_NCCL_LIBRARY";

    private const string DefaultName = "libnccl.so.2";

    /// <summary>The first with ncclCommAbort.</summary>
    private static readonly Version oldest = new(2, 4);
    private static readonly Lock opening = new();
    private static readonly Dictionary<string, NcclLibrary> opened = new(StringComparer.Ordinal);

    private readonly delegate* unmanaged[Cdecl]<int, sbyte*> errorString;
    private readonly delegate* unmanaged[Cdecl]<UniqueId*, int> getUniqueId;
    private readonly delegate* unmanaged[Cdecl]<void**, int, UniqueId, int, int> commInitRank;
    private readonly delegate* unmanaged[Cdecl]<void*, int> commDestroy;
    private readonly delegate* unmanaged[Cdecl]<void*, int> commAbort;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, void*, nint, int> reduceScatter;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, int, void*, nint, int> allGather;

    private NcclLibrary(nint library)
    {
        var getVersion = (delegate* unmanaged[Cdecl]<int*, int>)Find("ncclGetVersion");
        errorString = (delegate* unmanaged[Cdecl]<int, sbyte*>)Find("ncclGetErrorString");
        getUniqueId = (delegate* unmanaged[Cdecl]<UniqueId*, int>)Find("ncclGetUniqueId");
        commInitRank = (delegate* unmanaged[Cdecl]<void**, int, UniqueId, int, int>)Find("ncclCommInitRank");
        commDestroy = (delegate* unmanaged[Cdecl]<void*, int>)Find("ncclCommDestroy");
        commAbort = (delegate* unmanaged[Cdecl]<void*, int>)Find("ncclCommAbort");
        reduceScatter = (delegate* unmanaged[Cdecl]<void*, void*, nuint, int, int, void*, nint, int>)Find(
            "ncclReduceScatter"
        );
        allGather = (delegate* unmanaged[Cdecl]<void*, void*, nuint, int, void*, nint, int>)Find("ncclAllGather");
        int code;
        Check(getVersion(&code), "ncclGetVersion");

        // Until 2.8 the minor version had one digit less.
        Version = code < 10_000 ? new(code / 1000, code % 1000 / 100) : new(code / 10_000, code % 10_000 / 100);

        nint Find(string name) =>
            NativeLibrary.TryGetExport(library, name, out var function)
                ? function
                : throw new MpiException($"it has no {name}: it is no NCCL, or older than {oldest}");
    }

    /// <summary>What identifies a communicator to all its ranks.</summary>
    [InlineArray(Length)]
    public struct UniqueId
    {
        public const int Length = 128;
        private byte first;
    }

    public Version Version { get; }

    /// <summary>Opens the library, the first time; one that could not be opened is tried again.</summary>
    public static bool TryOpen([NotNullWhen(true)] out NcclLibrary? library, [NotNullWhen(false)] out string? reason)
    {
        lock (opening)
        {
            reason = null;
            var named = Environment.GetEnvironmentVariable(LibraryVariable);
            var name = string.IsNullOrEmpty(named) ? DefaultName : named;
            if (opened.TryGetValue(name, out library))
            {
                return true;
            }

            try
            {
                library = new(NativeLibrary.Load(name));
                if (library.Version < oldest)
                {
                    throw new MpiException($"it is version {library.Version}; {oldest} or later is needed");
                }

                opened.Add(name, library);
                return true;
            }
            catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException or MpiException)
            {
                library = null;
                reason = $"{name}: {failure.Message}";
                return false;
            }
        }
    }

    public UniqueId NewId()
    {
        UniqueId id;
        Check(getUniqueId(&id), "ncclGetUniqueId");
        return id;
    }

    /// <summary>Joins a communicator; returns once all ranks have. The device's context must be current.</summary>
    public void* Join(UniqueId id, int rank, int size)
    {
        void* communicator;
        Check(commInitRank(&communicator, size, id, rank), "ncclCommInitRank");
        return communicator;
    }

    /// <summary>Leaves a communicator; one that has failed is aborted, which ends what waits for other ranks.</summary>
    public void Leave(void* communicator, bool failed) =>
        _ = failed ? commAbort(communicator) : commDestroy(communicator);

    /// <summary>Puts a sum over the ranks into a stream; each rank receives its count of them.</summary>
    public void ReduceScatter<T>(void* sent, void* received, long count, void* communicator, nint stream) =>
        Check(reduceScatter(sent, received, (nuint)count, TypeOf<T>(), 0, communicator, stream), "ncclReduceScatter");

    /// <summary>Puts into a stream what brings as many elements of every rank to all.</summary>
    public void AllGather<T>(void* sent, void* received, long count, void* communicator, nint stream) =>
        Check(allGather(sent, received, (nuint)count, TypeOf<T>(), communicator, stream), "ncclAllGather");

    /// <summary>A value of ncclDataType_t.</summary>
    private static int TypeOf<T>() => typeof(T) == typeof(float) ? 7 : 8;

    private void Check(int result, string function)
    {
        if (result != 0)
        {
            throw new MpiException($"{function} failed: {Marshal.PtrToStringUTF8((nint)errorString(result))}");
        }
    }
}
