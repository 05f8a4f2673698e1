using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeRanger.Interop;

/// <summary>
/// Loads a native library by absolute path: from the package's own <c>runtimes/&lt;rid&gt;/native</c> and from the folders of
/// the assembly and of the application, never from the working directory or the loader's search path.
/// </summary>
internal sealed unsafe class NativeLibraryFile
{
    private static readonly ConcurrentDictionary<(Assembly Assembly, string Name), nint> resolved = new();
    private static readonly ConcurrentDictionary<Assembly, bool> resolving = new();
    private readonly Lazy<Loaded> library;

    public NativeLibraryFile() => library = new(Load, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>What the bindings import it by; also the name of the file, without the system's prefix and suffix.</summary>
    public required string Name { get; init; }

    /// <summary>The environment variable that names another file instead; reported by <c>info</c> and in messages.</summary>
    public required string OverrideVariable { get; init; }

    /// <summary>The class that imports its functions, all of which must be there.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.NonPublicMethods)]
    public required Type Bindings { get; init; }

    /// <summary>The function that tells the version of its contract.</summary>
    public required string VersionFunction { get; init; }

    /// <summary>The version of the contract that the bindings were compiled against.</summary>
    public required int Version { get; init; }

    /// <summary>What can be had without the library.</summary>
    public required string Alternative { get; init; }

    /// <summary>The portable runtime identifier of this process.</summary>
    public static string RuntimeIdentifier { get; } =
        (
            OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : "linux"
        )
        + "-"
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>The absolute path of the loaded library.</summary>
    /// <exception cref="NativeLibraryException">It cannot be used.</exception>
    public string LoadedPath => library.Value.Path;

    /// <summary>The file that <see cref="OverrideVariable"/> names, or null.</summary>
    private string? Override =>
        Environment.GetEnvironmentVariable(OverrideVariable) is { Length: > 0 } named ? named : null;

    /// <summary>Loads the library once; the same exception each time it cannot be used.</summary>
    public void EnsureLoaded() => _ = library.Value;

    private string FileName =>
        OperatingSystem.IsWindows() ? $"{Name}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{Name}.dylib"
        : $"lib{Name}.so";

    private sealed record Loaded(nint Handle, string Path);

    private Loaded Load()
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
            Resolve(Bindings.Assembly, Name, handle);
            return new(handle, path);
        }

        throw new NativeLibraryException(
            $"The native library {FileName} for {RuntimeIdentifier} cannot be loaded. Tried:{attempts}\n"
                + $"Reference the {Bindings.Assembly.GetName().Name} package so that its runtimes folder is deployed, or build the "
                + $"library with ./build.sh --target=Native; {OverrideVariable} {(Override is null ? "may name a file by absolute path" : "names it")}. {Alternative}"
        );
    }

    /// <summary>Imports of that name in the assembly go to the handle. An assembly has one resolver, for all its libraries.</summary>
    private static void Resolve(Assembly assembly, string name, nint handle)
    {
        resolved[(assembly, name)] = handle;
        if (resolving.TryAdd(assembly, true))
        {
            NativeLibrary.SetDllImportResolver(
                assembly,
                static (name, assembly, _) => resolved.GetValueOrDefault((assembly, name))
            );
        }
    }

    private IEnumerable<string> Candidates()
    {
        if (Override is { } named)
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

    [UnconditionalSuppressMessage(
        "SingleFile",
        "IL3000",
        Justification = "In a single file the location is empty, and the application's folder is used."
    )]
    private string? AssemblyFolder() => Path.GetDirectoryName(Bindings.Assembly.Location);

    private static string Explain(string path, Exception failure)
    {
        var machine = MachineOf(path);
        return
            machine is not null
            && !string.Equals(machine, RuntimeInformation.ProcessArchitecture.ToString(), StringComparison.Ordinal)
            ? $"it is built for {machine}, but this process is {RuntimeInformation.ProcessArchitecture} ({failure.Message})"
            : failure.Message;
    }

    /// <summary>The processor that an ELF file is built for, or null where it is none, too short or cannot be read.</summary>
    private static string? MachineOf(string path)
    {
        Span<byte> header = stackalloc byte[20];
        try
        {
            using var file = File.OpenRead(path);
            if (
                file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length
                || !header.StartsWith("\u007fELF"u8)
            )
            {
                return null;
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
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

    private void RequireContract(nint handle, string path)
    {
        if (!NativeLibrary.TryGetExport(handle, VersionFunction, out var version))
        {
            throw new NativeLibraryException(
                $"{path} is not a NativeRanger library: it does not export {VersionFunction}. This assembly needs contract version "
                    + $"{Version}. Replace the file by the one of the NativeRanger package of this assembly's version."
            );
        }

        var found = ((delegate* unmanaged[Cdecl]<int>)version)();
        if (found != Version)
        {
            throw new NativeLibraryException(
                $"{path} has contract version {found}; this assembly needs {Version}. Deploy the native library and the assembly "
                    + $"of the same NativeRanger package. {Alternative}"
            );
        }

        var missing = Bindings
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
