using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeRanger.Interop;

/// <summary>
/// Loads libnativeranger by absolute path: from the package's own <c>runtimes/&lt;rid&gt;/native</c> and from the folders of
/// the assembly and of the application, never from the working directory or the loader's search path.
/// </summary>
internal static unsafe class NativeLibraryLoader
{
    /// <summary>Names another file instead; reported by <c>info</c> and in messages.</summary>
    public const string OverrideVariable = "NATIVERANGER_LIBRARY";

    private const string LibraryName = "nativeranger";

    private static readonly Lazy<Loaded> library = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>The absolute path of the loaded library.</summary>
    /// <exception cref="NativeLibraryException">It cannot be used.</exception>
    public static string LibraryPath => library.Value.Path;

    /// <summary>Loads the library once; the same exception each time it cannot be used.</summary>
    public static void EnsureLoaded() => _ = library.Value;

    /// <summary>The portable runtime identifier of this process.</summary>
    public static string RuntimeIdentifier { get; } =
        (
            OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : "linux"
        )
        + "-"
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    public static string FileName { get; } =
        OperatingSystem.IsWindows() ? "nativeranger.dll"
        : OperatingSystem.IsMacOS() ? "libnativeranger.dylib"
        : "libnativeranger.so";

    private sealed record Loaded(nint Handle, string Path);

    private static Loaded Load()
    {
        var attempts = new StringBuilder();
        foreach (var path in Candidates())
        {
            if (!File.Exists(path))
            {
                attempts.Append("\n  ").Append(path).Append(": no such file");
                continue;
            }

            nint handle;
            try
            {
                handle = NativeLibrary.Load(path);
            }
            catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
            {
                attempts.Append("\n  ").Append(path).Append(": ").Append(Explain(path, failure));
                continue;
            }

            RequireContract(handle, path);
            NativeLibrary.SetDllImportResolver(
                typeof(NativeMethods).Assembly,
                (name, _, _) => string.Equals(name, LibraryName, StringComparison.Ordinal) ? handle : 0
            );
            return new(handle, path);
        }

        throw new NativeLibraryException(
            $"The native library {FileName} for {RuntimeIdentifier} cannot be loaded. Tried:{attempts}\n"
                + "Reference the NativeRanger package so that its runtimes folder is deployed, or build the library with "
                + $"./build.sh --target=Native; {OverrideVariable} may name a file by absolute path. "
                + "The managed path needs no native library: bind with Backend.Managed from NativeRanger.Numerics."
        );
    }

    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable(OverrideVariable) is { Length: > 0 } named)
        {
            if (!Path.IsPathFullyQualified(named))
            {
                throw new NativeLibraryException($"{OverrideVariable} must be an absolute path; it is '{named}'.");
            }

            return [named];
        }

        var folders = new List<string>();
        if (AssemblyFolder() is { Length: > 0 } assembly)
        {
            folders.Add(assembly);
        }

        folders.Add(AppContext.BaseDirectory);
        var paths = folders.SelectMany(f =>
            new[] { Path.Combine(f, "runtimes", RuntimeIdentifier, "native", FileName), Path.Combine(f, FileName) }
        );

        // Where the host unpacked a single file, and the package folders of an application that runs from its build output.
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string hosted)
        {
            paths = paths.Concat(
                hosted
                    .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                    .Where(Path.IsPathFullyQualified)
                    .Select(f => Path.Combine(f, FileName))
            );
        }

        return paths.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal);
    }

    [System.Diagnostics.CodeAnalysis.UnconditionalSuppressMessage(
        "SingleFile",
        "IL3000",
        Justification = "In a single file the location is empty, and the application's folder is used."
    )]
    private static string? AssemblyFolder() => Path.GetDirectoryName(typeof(NativeMethods).Assembly.Location);

    private static string Explain(string path, Exception failure)
    {
        var machine = MachineOf(path);
        return
            machine is not null
            && !string.Equals(machine, RuntimeInformation.ProcessArchitecture.ToString(), StringComparison.Ordinal)
            ? $"it is built for {machine}, but this process is {RuntimeInformation.ProcessArchitecture} ({failure.Message})"
            : failure.Message;
    }

    /// <summary>The processor that an ELF file is built for, or null where it is none or too short.</summary>
    private static string? MachineOf(string path)
    {
        Span<byte> header = stackalloc byte[20];
        using var file = File.OpenRead(path);
        if (
            file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length
            || !header.StartsWith("\u007fELF"u8)
        )
        {
            return null;
        }

        return (header[4], header[18] | (header[19] << 8)) switch
        {
            (1, 3) => nameof(Architecture.X86),
            (2, 62) => nameof(Architecture.X64),
            (1, 40) => nameof(Architecture.Arm),
            (2, 183) => nameof(Architecture.Arm64),
            (2, 243) => nameof(Architecture.RiscV64),
            var (_, code) => $"ELF machine {code}",
        };
    }

    private static void RequireContract(nint handle, string path)
    {
        const int Wanted = (int)nr_abi.NR_ABI_VERSION;
        if (!NativeLibrary.TryGetExport(handle, "nr_abi_version", out var version))
        {
            throw new NativeLibraryException(
                $"{path} is not a NativeRanger library: it does not export nr_abi_version. This assembly needs contract version "
                    + $"{Wanted}. Replace the file by the one of the NativeRanger package of this assembly's version."
            );
        }

        var found = ((delegate* unmanaged[Cdecl]<int>)version)();
        if (found != Wanted)
        {
            throw new NativeLibraryException(
                $"{path} has contract version {found}; this assembly needs {Wanted}. Deploy the native library and the assembly "
                    + "of the same NativeRanger package, or bind with Backend.Managed from NativeRanger.Numerics."
            );
        }

        var missing = typeof(NativeMethods)
            .GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Select(method => method.Name)
            .Where(name =>
                name.StartsWith("nr_", StringComparison.Ordinal) && !NativeLibrary.TryGetExport(handle, name, out _)
            )
            .ToArray();
        if (missing.Length > 0)
        {
            throw new NativeLibraryException(
                $"{path} has contract version {found} but does not export {string.Join(", ", missing)}. Deploy the native library "
                    + "and the assembly of the same NativeRanger package."
            );
        }
    }
}
