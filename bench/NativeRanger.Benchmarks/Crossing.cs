using System.Reflection;
using System.Runtime.InteropServices;

namespace NativeRanger.Benchmarks;

/// <summary>The smallest call into the native library: what crossing alone costs.</summary>
internal static partial class Crossing
{
    private const string Library = "nativeranger";

    static Crossing() =>
        NativeLibrary.SetDllImportResolver(
            Assembly.GetExecutingAssembly(),
            (name, _, _) => name is Library ? NativeLibrary.Load(NativeBackend.LibraryPath) : 0
        );

    [LibraryImport(Library, EntryPoint = "nr_abi_version")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory)]
    public static partial int Call();
}
