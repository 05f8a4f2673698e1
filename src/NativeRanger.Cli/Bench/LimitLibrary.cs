using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeRanger.Cli.Bench;

/// <summary>libnativeranger_limits, as native/limits/limits.h declares it.</summary>
internal static unsafe partial class LimitLibrary
{
    private const string Name = "nativeranger_limits";

    public const int MostArrays = 5;

    /// <summary>Fails with a message of one line where the library is not there.</summary>
    /// <exception cref="UserErrorException">It cannot be loaded.</exception>
    public static void Require()
    {
        try
        {
            nrl_team_destroy(nrl_team_create(0));
        }
        catch (DllNotFoundException)
        {
            throw new UserErrorException(
                $"The library of limit kernels, lib{Name}.so, is not in {AppContext.BaseDirectory}: there is nothing to measure "
                    + "steps against. It comes with the build, ./build.sh --target=Build, for Linux on x64."
            );
        }
    }

    /// <summary>One pass of a limit kernel (nrl_pass).</summary>
    public struct Pass
    {
        public int ElementBytes;
        public int ArrayCount;
        public int Prefetch;
        public int Reserved;
        public long Elements;
        public void* Gradient;
        public ArrayList Arrays;
    }

    [InlineArray(MostArrays)]
    public struct ArrayList
    {
        private nint first;
    }

    [LibraryImport(Name)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial nint nrl_team_create(int threads);

    [LibraryImport(Name)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void nrl_team_destroy(nint team);

    [LibraryImport(Name)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial double nrl_time(nint team, Pass* pass, long untimed, long timed);

    [LibraryImport(Name)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial nint nrl_memory_create(int arrays, long bytesOfArray);

    [LibraryImport(Name)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void nrl_memory_destroy(nint memory);

    [LibraryImport(Name)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial void* nrl_memory_array(nint memory, int index);
}

/// <summary>Arrays of equal size on huge pages where the system has them, each at a page offset of its own.</summary>
internal sealed unsafe class LimitMemory : IDisposable
{
    private nint memory;

    /// <summary>Arrays that are zero at the start.</summary>
    /// <exception cref="UserErrorException">The system does not give as much.</exception>
    public LimitMemory(int arrays, long bytesOfArray)
    {
        memory = LimitLibrary.nrl_memory_create(arrays, bytesOfArray);
        if (memory == 0)
        {
            throw new UserErrorException($"There is no memory for {arrays} arrays of {bytesOfArray} bytes.");
        }
    }

    ~LimitMemory() => Release();

    public void* Array(int index) => LimitLibrary.nrl_memory_array(memory, index);

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (memory != 0)
        {
            LimitLibrary.nrl_memory_destroy(memory);
            memory = 0;
        }
    }
}

/// <summary>Threads that run a limit kernel together.</summary>
internal sealed unsafe class LimitTeam : IDisposable
{
    private nint team;

    /// <summary>Threads that sleep until there is something to run.</summary>
    /// <exception cref="UserErrorException">The system does not give as many.</exception>
    public LimitTeam(int threads)
    {
        team = LimitLibrary.nrl_team_create(threads);
        if (team == 0)
        {
            throw new UserErrorException($"The system does not give {threads} threads.");
        }
    }

    ~LimitTeam() => Release();

    /// <summary>Seconds of the timed repetitions together.</summary>
    public double Time(LimitLibrary.Pass pass, long untimed, long timed)
    {
        var seconds = LimitLibrary.nrl_time(team, &pass, untimed, timed);
        return seconds >= 0 ? seconds : throw new ArgumentException("The limit kernel refused the pass.", nameof(pass));
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (team != 0)
        {
            LimitLibrary.nrl_team_destroy(team);
            team = 0;
        }
    }
}
