using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeRanger.Interop;

namespace NativeRanger;

/// <summary>Entries of the library for calls of less than a microsecond.</summary>
/// <remarks>No collection can begin during such a call: letting it begin takes longer than a small step.</remarks>
internal static unsafe partial class ShortCalls
{
    /// <inheritdoc cref="NativeMethods.nr_step"/>
    [LibraryImport("nativeranger")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl), typeof(CallConvSuppressGCTransition)])]
    internal static partial int nr_step(nr_options* options, long count, nr_tensor* tensors);
}
